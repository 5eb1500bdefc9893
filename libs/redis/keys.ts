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

  /** Record that a request state with answers to interceptors was used. */
  spentState(nonce: string): string {
    return `${this.prefix}spent-state:{${nonce}}`;
  }

  /** A call that an admin decides about. Shares a node with the other keys of approvals. */
  approval(id: string): string {
    return `${this.prefix}{approvals}:of:${id}`;
  }

  /** Id of the open approval of a call; the digest stands for caller, item, question and arguments. */
  approvalOfCall(digest: string): string {
    return `${this.prefix}{approvals}:call:${digest}`;
  }

  /** Ids of approvals, by the time at which they are deleted. */
  get approvals(): string {
    return `${this.prefix}{approvals}:all`;
  }

  /** Ids of the open approvals of one principal, by their expiry. */
  approvalsOfPrincipal(digest: string): string {
    return `${this.prefix}{approvals}:principal:${digest}`;
  }

  /** Record that a task belongs to an owner; the digest contains both. */
  task(digest: string): string {
    return `${this.prefix}task:{${digest}}`;
  }

  /** State of a server by its health checks. */
  serverState(digest: string): string {
    return `${this.prefix}server:{${digest}}`;
  }

  /** Session of the admin page, by the digest of its secret id. */
  pageSession(digest: string): string {
    return `${this.prefix}page-session:{${digest}}`;
  }

  /** Digests of the ids of the sessions of one principal, by the time of the login. */
  pageSessionsOfPrincipal(digest: string): string {
    return `${this.prefix}page-sessions:{${digest}}`;
  }

  /** Claim of a worker to renew the token of a session of the admin page. */
  pageSessionRenewal(digest: string): string {
    return `${this.prefix}page-session-renewal:{${digest}}`;
  }

  /** Claim of a worker to raise the alert about an occurrence. */
  alertClaim(digest: string): string {
    return `${this.prefix}alert:{${digest}}`;
  }

  /** Recent alerts by their ids. */
  get alerts(): string {
    return `${this.prefix}{alerts}:recent`;
  }

  /** Ids of the recent alerts, by their time. */
  get alertOrder(): string {
    return `${this.prefix}{alerts}:order`;
  }

  /** Event log of a session, from which a client can request a replay. */
  events(session: string): string {
    return `${this.prefix}events:{${session}}`;
  }
}
