/**
 * Every key and channel of the gateway in Redis; docs/redis-keys.md describes their content. The keys of one script
 * share a hash tag, so that a cluster stores them on one node. Ids of workers, sessions and requests are base64url.
 */
export class RedisKeys {
  /** `prefix` precedes every key and channel, so that several installations can share a Redis. */
  constructor(private readonly prefix: string) {}

  /** Announcement that the worker is alive. */
  worker(incarnation: string): string {
    return `${this.prefix}worker:{${incarnation}}`;
  }

  /** Token of the generation, which is lost together with the data of its node. */
  generation(incarnation: string): string {
    return `${this.prefix}generation:{${incarnation}}`;
  }

  /** Tombstone of a worker that was declared dead. */
  tombstone(incarnation: string): string {
    return `${this.prefix}tombstone:{${incarnation}}`;
  }

  /** Decision about a request: claimed or revoked. */
  call(requester: string, request: string): string {
    return `${this.prefix}call:{${requester}}:${request}`;
  }

  /** Channel of the requests to the worker. */
  inbox(incarnation: string): string {
    return `${this.prefix}inbox:{${incarnation}}`;
  }

  /** Channel of the replies to requests of the worker. */
  replies(incarnation: string): string {
    return `${this.prefix}replies:{${incarnation}}`;
  }

  /** Alive workers, by the expiry of their announcements. */
  get aliveWorkers(): string {
    return `${this.prefix}{workers}:living`;
  }

  /** Fenced workers, by the expiry of their tombstones. */
  get fencedWorkers(): string {
    return `${this.prefix}{workers}:gone`;
  }

  /** New owner of a session that its previous owner handed off. */
  handoff(session: string): string {
    return `${this.prefix}moved:{${session}}`;
  }

  /** Time at which the bucket of a rate limit is empty again. */
  rate(counter: string): string {
    return `${this.prefix}rate:{${counter}}`;
  }

  /** Leases of the calls that run under a concurrency limit. */
  leases(counter: string): string {
    return `${this.prefix}leases:{${counter}}`;
  }

  /** Record that a task belongs to an owner; the digest contains both. */
  task(digest: string): string {
    return `${this.prefix}task:{${digest}}`;
  }

  /** Event log of a session, from which a client can request a replay. */
  events(session: string): string {
    return `${this.prefix}events:{${session}}`;
  }
}
