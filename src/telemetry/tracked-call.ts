import { randomUUID } from 'node:crypto';
import { tokenIdOf, type Caller, type CallRecord, type CallTransport } from '#lib/extension-kit';
import {
  eraOfRevision,
  GatewayCode,
  isJsonObject,
  RpcCode,
  type ExecutionOutcome,
  type JsonObject,
  type Outcome,
  type RequestId,
} from '#lib/mcp-protocol';
import type { Clock } from '#lib/time';
import { CallProgress, isExecutionOutcome } from './call-progress.js';
import type { CallOrigin, CallSource } from './telemetry-sink.js';
import type { SessionFingerprints } from './session-fingerprints.js';
import { readTraceParent, type CallTracer, type RequestSpan } from './tracing/index.js';

/** What is known about a request when it arrives. */
export interface CallStart {
  /** Monotonic time of the arrival of the HTTP request, in milliseconds. */
  readonly receivedAt: number;
  readonly transport: CallTransport;
  readonly endpoint: string;
  readonly caller?: Caller | undefined;
  readonly method?: string | undefined;
  /** The JSON-RPC id of the request. */
  readonly id?: RequestId | undefined;
  readonly revision?: string | undefined;
  /** Id of the legacy session. The record contains only a fingerprint of it. */
  readonly session?: string | undefined;
  /** The `traceparent` in `_meta`, and that of the HTTP request. Neither has been checked. */
  readonly traceparent?: unknown;
  readonly httpTraceparent?: unknown;
  readonly forwardedFrom?: string | undefined;
  readonly bytesIn?: number | undefined;
  readonly source?: CallSource | undefined;
  readonly params?: JsonObject | undefined;
}

/** How the client was answered. */
export interface CallAnswer {
  readonly httpStatus: number;
  readonly bytesOut?: number;
  /** True when the client had disconnected before it was answered. */
  readonly hasClientLeft?: boolean;
}

/** The parts of the worker that every record contains. */
export interface RecordingWorker {
  readonly id: string;
  readonly clock: Clock;
  readonly tracer: CallTracer;
  readonly fingerprints: SessionFingerprints;
  deliver(record: CallRecord, origin: CallOrigin): void;
  readonly findDetail: FindDetail;
}

/** What operators need to mend the last failure of a server, if it happened at this time or later (Unix epoch, milliseconds). */
export type FindDetail = (server: string, since: number) => string | undefined;

/** One request of a client, from its arrival to its record. */
export class TrackedCall extends CallProgress {
  private readonly ownId = randomUUID();
  private hasEnded = false;
  private readonly span: RequestSpan | undefined;

  constructor(
    private readonly start: CallStart,
    private readonly worker: RecordingWorker,
  ) {
    super(worker.clock);
    const { caller, method, id, traceparent, httpTraceparent } = start;
    // Requests without a valid token could otherwise fill the queue of spans, and join the traces of others.
    if (!caller) return;
    const at = worker.clock.now() - (worker.clock.monotonicNow() - start.receivedAt);
    this.span = worker.tracer.startRequest({ method, id, at, traceparent, httpTraceparent });
  }

  /** The id for an error of the gateway, unless the error already has one. */
  override get requestId(): string {
    return this.ownId;
  }

  /** The trace context of the request, for what it causes. Undefined without tracing. */
  override get traceparent(): string | undefined {
    return this.span?.traceparent;
  }

  override linkTrace(traceparent: string): void {
    this.span?.link(traceparent);
  }

  /** Makes the record. Later calls have no effect, so that a request has exactly one record. */
  end(outcome: Outcome, answer: CallAnswer): void {
    if (this.hasEnded) return;
    this.hasEnded = true;
    const record = this.toRecord(outcome, answer);
    const { caller, source, params } = this.start;
    this.worker.deliver(record, { caller, source, params });
    this.span?.end(record);
  }

  private findDetail(since: number): string | undefined {
    return this.server === undefined ? undefined : this.worker.findDetail(this.server, since);
  }

  private toRecord(outcome: Outcome, answer: CallAnswer): CallRecord {
    const { start, worker } = this;
    const { serverMs, clientMs } = this.readShares();
    const totalMs = Math.max(worker.clock.monotonicNow() - start.receivedAt, serverMs + clientMs);
    const hasClientLeft = answer.hasClientLeft === true;
    const described = describeOutcome(outcome, this.hasReachedServer, this.executed);
    // One literal without spreads or accessors: the engine then builds all records with one shape.
    const at = worker.clock.now() - totalMs;
    return {
      at,
      requestId: readRequestId(outcome) ?? this.ownId,
      traceId: this.span?.traceId ?? readTraceId(start),
      worker: worker.id,
      transport: start.transport,
      principal: start.caller?.principal,
      teams: start.caller?.teams,
      token: start.caller && tokenIdOf(start.caller),
      endpoint: start.endpoint,
      session: start.session === undefined ? undefined : worker.fingerprints.of(start.session),
      clientEra: start.revision === undefined ? undefined : eraOfRevision(start.revision),
      clientRevision: start.revision,
      server: this.server,
      serverEra: this.serverEra,
      serverRevision: this.serverRevision,
      method: start.method,
      item: this.item,
      outcome: described.outcome,
      code: described.code,
      isToolError: described.isToolError,
      isGatewayError: described.isGatewayError,
      reason: described.reason,
      detail: isServerFailure(outcome) ? (this.detail ?? this.findDetail(at)) : undefined,
      errorStatus: described.errorStatus,
      httpStatus: hasClientLeft ? undefined : answer.httpStatus,
      hasClientLeft,
      totalMs,
      ownMs: totalMs - serverMs - clientMs,
      serverMs,
      clientMs,
      forwardedFrom: start.forwardedFrom,
      forwardedTo: this.forwardedTo,
      parkedCall: this.parkedCall,
      interception: this.interception,
      interceptedBy: this.interceptedBy,
      guardrails: this.guardrails,
      bytesIn: start.bytesIn,
      bytesOut: hasClientLeft ? undefined : answer.bytesOut,
    };
  }
}

/** Failures of a server or of the way to it, about which operators may know more than the client. */
const SERVER_FAILURE_CODES: ReadonlySet<number> = new Set([
  GatewayCode.upstreamFailed,
  GatewayCode.upstreamBrokeProtocol,
  GatewayCode.outcomeUnknown,
]);

const isServerFailure = (outcome: Outcome): boolean =>
  outcome.kind === 'error' && outcome.httpStatus !== undefined && SERVER_FAILURE_CODES.has(outcome.error.code);

type OutcomePart = Pick<CallRecord, 'outcome' | 'code' | 'isToolError' | 'isGatewayError' | 'reason' | 'errorStatus'>;

/** Errors with these codes describe a server, a limit or a rule. The messages of the others may quote arguments. */
const DESCRIBED_CODES: ReadonlySet<number> = new Set(Object.values(GatewayCode));

/**
 * An error that carries no execution outcome was executed exactly when a server returned it, and a result was unless an
 * interceptor made it (`executed`).
 */
function describeOutcome(
  outcome: Outcome,
  hasReachedServer: boolean,
  executed: ExecutionOutcome = 'executed',
): OutcomePart {
  if (outcome.kind === 'result') {
    const isToolError = outcome.result['isError'] === true;
    return {
      outcome: executed,
      code: undefined,
      isToolError,
      isGatewayError: false,
      reason: undefined,
      errorStatus: undefined,
    };
  }
  const { error, httpStatus } = outcome;
  const { code, data } = error;
  const reported = isJsonObject(data) ? data['outcome'] : undefined;
  const isDefect = code === RpcCode.internalError && httpStatus === 500;
  const isGatewayError = isExecutionOutcome(reported) || httpStatus !== undefined || !hasReachedServer;
  const answered: ExecutionOutcome = hasReachedServer ? 'executed' : 'not_executed';
  const fallback = isDefect ? 'unknown' : answered;
  return {
    outcome: isExecutionOutcome(reported) ? reported : fallback,
    code,
    isToolError: false,
    isGatewayError,
    reason: isGatewayError && DESCRIBED_CODES.has(code) ? error.message : undefined,
    errorStatus: httpStatus,
  };
}

function readRequestId(outcome: Outcome): string | undefined {
  const data = outcome.kind === 'error' ? outcome.error.data : undefined;
  const id = isJsonObject(data) && isExecutionOutcome(data['outcome']) ? data['requestId'] : undefined;
  return typeof id === 'string' ? id : undefined;
}

const readTraceId = ({ traceparent, httpTraceparent }: CallStart): string | undefined =>
  (readTraceParent(traceparent) ?? readTraceParent(httpTraceparent))?.traceId;
