import { isJsonObject, type Era } from '#lib/mcp-protocol';
import type { Clock } from '#lib/time';

/** What the owner of a session reports about a call that it ran for another worker. */
export interface ProgressReport {
  readonly serverMs: number;
  readonly clientMs: number;
  readonly serverEra?: Era;
  readonly serverRevision?: string;
  readonly detail?: string;
}

/** The part of a server's profile that a record contains. */
interface ReachedServer {
  readonly era: Era;
  readonly revision: string;
}

/**
 * Where a request is and how long it was there. Each layer reports its part; the record of the request is made from it.
 * Time counts for the client while a question is open, else for the server while any server works, else for the gateway.
 */
export class CallProgress {
  /** Slug of the server that the request addresses. */
  server: string | undefined;
  /** The server's own name of the item. */
  item: string | undefined;
  serverEra: Era | undefined;
  serverRevision: string | undefined;
  /** What operators need to mend the failure of the server. It may never be sent to clients. */
  detail: string | undefined;
  /** Id of the worker that runs the call, if it is another one. */
  forwardedTo: string | undefined;
  /** Id of the parked call that the request began or continues. */
  parkedCall: string | undefined;
  private serverMs = 0;
  private clientMs = 0;
  private activeServers = 0;
  private openQuestions = 0;
  private changedAt = 0;

  constructor(protected readonly clock: Clock) {}

  /** `server` is undefined for an item that no server has. */
  address(server: string | undefined, item?: string): void {
    this.server = server;
    this.item = item;
  }

  /** The request is sent over a connection with this profile. */
  reach({ era, revision }: ReachedServer): void {
    this.serverEra = era;
    this.serverRevision = revision;
  }

  /** The request continues a call that is open at its server. Only legacy servers leave a call open. */
  continueParked(call: string, otherWorker: string | undefined): void {
    this.parkedCall = call;
    this.forwardedTo = otherWorker;
    this.serverEra ??= 'legacy';
  }

  /** The trace context of the request. Undefined without tracing, and at the worker that runs the call for another one. */
  get traceparent(): string | undefined {
    return undefined;
  }

  /** Links the trace of an earlier request of the same call. */
  linkTrace(_traceparent: string): void {
    // The worker that answers the client has the span.
  }

  get hasReachedServer(): boolean {
    return this.serverEra !== undefined;
  }

  async whileServerWorks<T>(work: () => Promise<T>): Promise<T> {
    this.advance();
    this.activeServers += 1;
    try {
      return await work();
    } finally {
      this.advance();
      this.activeServers -= 1;
    }
  }

  async whileClientAnswers<T>(work: () => Promise<T>): Promise<T> {
    this.advance();
    this.openQuestions += 1;
    try {
      return await work();
    } finally {
      this.advance();
      this.openQuestions -= 1;
    }
  }

  /** The report of a call that this worker ran for another one. */
  toReport(): ProgressReport {
    const { serverMs, clientMs } = this.readShares();
    const { serverEra, serverRevision, detail } = this;
    return {
      serverMs,
      clientMs,
      ...(serverEra !== undefined && { serverEra }),
      ...(serverRevision !== undefined && { serverRevision }),
      ...(detail !== undefined && { detail }),
    };
  }

  /** Adds the report of the worker that ran the call. Ignores anything else: a worker of another version may send none. */
  addReport(report: unknown): void {
    if (!isJsonObject(report)) return;
    const { serverMs, clientMs, serverEra, serverRevision, detail } = report;
    if (typeof serverMs === 'number' && serverMs >= 0) this.serverMs += serverMs;
    if (typeof clientMs === 'number' && clientMs >= 0) this.clientMs += clientMs;
    if (serverEra === 'legacy' || serverEra === 'modern') this.serverEra = serverEra;
    if (typeof serverRevision === 'string') this.serverRevision = serverRevision;
    if (typeof detail === 'string') this.detail = detail;
  }

  protected readShares(): { readonly serverMs: number; readonly clientMs: number } {
    this.advance();
    return { serverMs: this.serverMs, clientMs: this.clientMs };
  }

  /** Attributes the time since the last change. */
  private advance(): void {
    const now = this.clock.monotonicNow();
    if (this.openQuestions > 0) this.clientMs += now - this.changedAt;
    else if (this.activeServers > 0) this.serverMs += now - this.changedAt;
    this.changedAt = now;
  }
}

/** Counts the time of the work for the server. Without a progress the work belongs to no request of a client. */
export function whileServerWorks<T>(progress: CallProgress | undefined, work: () => Promise<T>): Promise<T> {
  return progress ? progress.whileServerWorks(work) : work();
}
