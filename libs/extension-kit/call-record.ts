import type { Era, ExecutionOutcome } from '#lib/mcp-protocol';
import type { Principal } from './caller.js';
import { ContributionKind, type ContributionOptions } from './contribution.js';

export const INTERCEPTIONS = ['changed', 'answered', 'refused', 'failed'] as const;

/**
 * What an interceptor did to a call, from the mildest to the gravest. `changed`: its arguments or its result. `answered`: the result
 * is the interceptor's, because the call did not run or failed. `refused`, `failed`: the interceptor ended the call with an error,
 * on purpose or not.
 */
export type Interception = (typeof INTERCEPTIONS)[number];

/** The kind of endpoint at which a request arrived. */
export type CallTransport = 'mcp' | 'sse' | 'rpc';

/**
 * What happened to one request of a client. Every consumer (log, metrics, traces, audit, sinks of extensions) reads only this
 * record, so that they cannot contradict each other. It contains no arguments, no results, no headers and no tokens. A member that does not apply
 * is undefined.
 */
export interface CallRecord {
  /** When the request arrived, in milliseconds since the Unix epoch. */
  readonly at: number;
  /** The id that an error of the gateway reports to the client as `data.requestId`. */
  readonly requestId: string;
  /** Trace id of the W3C trace context of the client. Undefined: the client sent none. */
  readonly traceId: string | undefined;
  /** Id of the worker that answered the client. */
  readonly worker: string;
  readonly transport: CallTransport;
  /** Undefined: the request was refused before its caller was known. */
  readonly principal: Principal | undefined;
  readonly teams: readonly string[] | undefined;
  /** Id of the caller's token: of a personal access token, or the claim `jti`. */
  readonly token: string | undefined;
  /** `default`, or the slug of the server or virtual server. */
  readonly endpoint: string;
  /** Fingerprint of the id of the legacy session. It grants no access. */
  readonly session: string | undefined;
  readonly clientEra: Era | undefined;
  readonly clientRevision: string | undefined;
  /** Slug of the server that the request addresses. Undefined: it addresses none, or several. */
  readonly server: string | undefined;
  /** Undefined: the request did not reach a server. */
  readonly serverEra: Era | undefined;
  readonly serverRevision: string | undefined;
  /** Method of the request. Undefined: the request was refused before its body was read, and no header names the method. */
  readonly method: string | undefined;
  /** The server's own name of the tool or prompt, or the URI of the resource without its query. */
  readonly item: string | undefined;
  readonly outcome: ExecutionOutcome;
  /** JSON-RPC error code. Undefined: the request had a result. */
  readonly code: number | undefined;
  /** True for a result with which a tool reports its own failure. */
  readonly isToolError: boolean;
  /** True for an error that the gateway created, false for one that the server returned. */
  readonly isGatewayError: boolean;
  /** Message of an error of the gateway that does not quote arguments. */
  readonly reason: string | undefined;
  /** What operators need to mend a failure of the server, such as the last output of its process. Clients never see it. */
  readonly detail: string | undefined;
  /**
   * HTTP status of an error of the gateway, which says what kind it is. The response often has 200 instead (ADR 1). Undefined: no
   * error, or one that a server returned.
   */
  readonly errorStatus: number | undefined;
  /** HTTP status of the response. Undefined: the client disconnected before it was answered. */
  readonly httpStatus: number | undefined;
  /** True when the client disconnected before it was answered. */
  readonly hasClientLeft: boolean;
  /** From the arrival of the request to its answer, in milliseconds: the sum of the three shares. */
  readonly totalMs: number;
  /** Time in which the gateway itself worked. */
  readonly ownMs: number;
  /** Time in which the gateway waited for servers, including their start and handshake. */
  readonly serverMs: number;
  /** Time in which the call waited for answers of its client to questions of the server. */
  readonly clientMs: number;
  /** Id of the worker to which the client connected, when it forwarded the whole request to this one. */
  readonly forwardedFrom: string | undefined;
  /** Id of the worker that ran the call, when it is not the worker that answered the client. */
  readonly forwardedTo: string | undefined;
  /** Id of the parked call that this request began or continued. */
  readonly parkedCall: string | undefined;
  /** What an interceptor did to the call. Undefined: none changed, answered or refused it. */
  readonly interception: Interception | undefined;
  /** Name of that interceptor. */
  readonly interceptedBy: string | undefined;
  /**
   * What guardrails did to the call, or would have done, such as `no-credentials: refused`; at most 16. Undefined: nothing but
   * letting it pass.
   */
  readonly guardrails: readonly string[] | undefined;
  /** Bytes of the request body. Undefined: unknown, as for a member of a batch. */
  readonly bytesIn: number | undefined;
  /** Bytes of the response message. Undefined: unknown, as for an answer on an HTTP+SSE stream. */
  readonly bytesOut: number | undefined;
}

/**
 * Takes every record elsewhere: to a queue, to a file, to another product. A sink never affects a call: what it throws, and the
 * rejection of the promise that it returns, is logged with its name.
 */
export abstract class CallRecordSink {
  /**
   * Called after the answer was written, in the same turn of the event loop, so it must not block. The record is frozen, and one
   * object for all sinks. While 1,000 of the promises that the sink returned are pending, it receives no records; these are
   * counted by the metric `isthmus_extension_drops_total`.
   */
  abstract record(record: CallRecord): void | Promise<void>;
}

export const CALL_RECORD_SINKS = new ContributionKind<CallRecordSink, ContributionOptions>(
  'SinksCallRecords',
  CallRecordSink,
);

/** Marks a `CallRecordSink`. */
export const SinksCallRecords = (options: ContributionOptions = {}): ClassDecorator => CALL_RECORD_SINKS.mark(options);
