/**
 * Every name that the gateway uses in Redis; docs/redis-keys.md says what lies there. What one script touches shares a
 * hash tag, so that a cluster keeps it on one node. Names of workers, sessions and requests are base64url.
 */
export class RedisKeys {
  /** The prefix stands before every key and channel, so that several installations can share a Redis. */
  constructor(private readonly prefix: string) {}

  /** That the worker lives. */
  worker(incarnation: string): string {
    return `${this.prefix}worker:{${incarnation}}`;
  }

  /** A token that is lost with the data of that node. */
  generation(incarnation: string): string {
    return `${this.prefix}generation:{${incarnation}}`;
  }

  /** That the worker was declared gone. */
  tombstone(incarnation: string): string {
    return `${this.prefix}tombstone:{${incarnation}}`;
  }

  /** Who came first, claim or revocation. */
  call(requester: string, request: string): string {
    return `${this.prefix}call:{${requester}}:${request}`;
  }

  /** Channel of what the worker is asked. */
  inbox(incarnation: string): string {
    return `${this.prefix}inbox:{${incarnation}}`;
  }

  /** Channel of what the worker is told about its own requests. */
  replies(incarnation: string): string {
    return `${this.prefix}replies:{${incarnation}}`;
  }

  /** List of the living, by the end of their announcements. */
  get aliveWorkers(): string {
    return `${this.prefix}{workers}:living`;
  }

  /** List of those declared gone, by the end of their tombstones. */
  get fencedWorkers(): string {
    return `${this.prefix}{workers}:gone`;
  }

  /** Which worker serves the session that its owner gave away. */
  handoff(session: string): string {
    return `${this.prefix}moved:{${session}}`;
  }

  /** When the bucket of a rate is empty again. */
  rate(counter: string): string {
    return `${this.prefix}rate:{${counter}}`;
  }

  /** What runs under a limit of calls at once. */
  leases(counter: string): string {
    return `${this.prefix}leases:{${counter}}`;
  }

  /** Events of the session that a client may ask for again. */
  events(session: string): string {
    return `${this.prefix}events:{${session}}`;
  }
}
