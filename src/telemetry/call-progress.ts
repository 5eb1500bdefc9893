import { INTERCEPTIONS, type Interception } from '#lib/extension-kit';
import { isJsonObject, type Era, type ExecutionOutcome, type JsonObject } from '#lib/mcp-protocol';
import type { Clock } from '#lib/time';

/** Part of a call's progress that an interceptor caused. */
interface ReportedInterception {
  readonly interception: Interception;
  readonly interceptedBy: string;
  readonly executed?: ExecutionOutcome;
}

/** Further guardrails of one call are not recorded. */
const MAX_GUARDRAILS = 16;
const MAX_GUARDRAIL_LENGTH = 100;

/** What the owner of a session reports about a call that it ran for another worker. */
export interface ProgressReport {
  readonly serverMs: number;
  readonly clientMs: number;
  readonly serverEra?: Era;
  readonly serverRevision?: string;
  readonly detail?: string;
  readonly intercepted?: ReportedInterception;
  readonly guardrails?: readonly string[];
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
  /** What an interceptor did to the call. The gravest is recorded: a failure, a refusal, an answer, a change. */
  interception: Interception | undefined;
  /** Name of the interceptor that did it. */
  interceptedBy: string | undefined;
  /** Whether the call was executed, where its result does not say so: an interceptor made the result. */
  executed: ExecutionOutcome | undefined;
  private readonly guardrailTexts = new Set<string>();
  private serverMs = 0;
  private clientMs = 0;
  private activeServers = 0;
  private openQuestions = 0;
  private changedAt = 0;

  /** @param forwardedId id of the request of another worker, for which this worker runs the call */
  constructor(
    protected readonly clock: Clock,
    private readonly forwardedId?: string,
  ) {}

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

  /** Records what an interceptor did, unless an interceptor has done something graver. */
  recordInterception(interception: Interception, by: string): void {
    if (this.interception !== undefined && toGravity(this.interception) >= toGravity(interception)) return;
    this.interception = interception;
    this.interceptedBy = by;
  }

  /** Records what a guardrail did, or would have done, such as `no-credentials: refused`. */
  recordGuardrail(text: string): void {
    if (this.guardrailTexts.size < MAX_GUARDRAILS) this.guardrailTexts.add(text.slice(0, MAX_GUARDRAIL_LENGTH));
  }

  /** What guardrails did to the call, in their order. Undefined: nothing. */
  get guardrails(): readonly string[] | undefined {
    return this.guardrailTexts.size === 0 ? undefined : [...this.guardrailTexts];
  }

  /** The id that an error of the gateway about this call carries. Undefined: an id is made when the error is. */
  get requestId(): string | undefined {
    return this.forwardedId;
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
    const { serverEra, serverRevision, detail, guardrails } = this;
    const intercepted = this.reportInterception();
    return {
      serverMs,
      clientMs,
      ...(serverEra !== undefined && { serverEra }),
      ...(serverRevision !== undefined && { serverRevision }),
      ...(detail !== undefined && { detail }),
      ...(intercepted && { intercepted }),
      ...(guardrails && { guardrails }),
    };
  }

  private reportInterception(): ReportedInterception | undefined {
    const { interception, interceptedBy, executed } = this;
    if (interception === undefined || interceptedBy === undefined) return undefined;
    return { interception, interceptedBy, ...(executed !== undefined && { executed }) };
  }

  /** Adds the report of the worker that ran the call. Ignores anything else: a worker of another version may send none. */
  addReport(report: unknown): void {
    if (!isJsonObject(report)) return;
    const { serverMs, clientMs, serverEra, serverRevision, detail, intercepted, guardrails } = report;
    if (typeof serverMs === 'number' && serverMs >= 0) this.serverMs += serverMs;
    if (typeof clientMs === 'number' && clientMs >= 0) this.clientMs += clientMs;
    if (serverEra === 'legacy' || serverEra === 'modern') this.serverEra = serverEra;
    if (typeof serverRevision === 'string') this.serverRevision = serverRevision;
    if (typeof detail === 'string') this.detail = detail;
    if (isJsonObject(intercepted)) this.addInterception(intercepted);
    for (const text of Array.isArray(guardrails) ? guardrails : [])
      if (typeof text === 'string') this.recordGuardrail(text);
  }

  private addInterception({ interception: reported, interceptedBy, executed }: JsonObject): void {
    const interception = INTERCEPTIONS.find((each) => each === reported);
    if (interception !== undefined && typeof interceptedBy === 'string')
      this.recordInterception(interception, interceptedBy);
    if (isExecutionOutcome(executed)) this.executed = executed;
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

const toGravity = (interception: Interception): number => INTERCEPTIONS.indexOf(interception);

/** True for a word that says whether a call ran. In errors a server's own words are moved away before (docs/errors.md). */
export const isExecutionOutcome = (value: unknown): value is ExecutionOutcome =>
  value === 'executed' || value === 'not_executed' || value === 'unknown';

/** Counts the time of the work for the server. Without a progress the work belongs to no request of a client. */
export function whileServerWorks<T>(progress: CallProgress | undefined, work: () => Promise<T>): Promise<T> {
  return progress ? progress.whileServerWorks(work) : work();
}
