/**
 * The neutral model: what the middle of the gateway speaks. An exchange turns a client's era into it, a dialect turns
 * it into a server's era. It knows no protocol dates.
 */
import type { JsonObject } from './json.js';
import type { RequestId, RpcError } from './json-rpc.js';

/** Legacy: handshake and sessions. Modern: stateless, everything in each request (specification: basic/versioning). */
export type Era = 'legacy' | 'modern';

/** Syslog severities of RFC 5424, least severe first (specification: server/utilities/logging). */
export const LOG_LEVELS = ['debug', 'info', 'notice', 'warning', 'error', 'critical', 'alert', 'emergency'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export function isLogLevel(value: unknown): value is LogLevel {
  return (LOG_LEVELS as readonly unknown[]).includes(value);
}

/** Who the client says it is and what it can do: from the handshake (legacy) or from each request (modern). */
export interface ClientProfile {
  /** Revision that the client speaks, as it stands on the wire. */
  readonly revision: string;
  readonly capabilities: JsonObject;
  readonly clientInfo?: JsonObject;
}

/**
 * A request in neutral form. `params._meta` holds what is not era-specific only: trace context, vendor keys.
 * Version, identity, capabilities, log level and progress token stand beside it.
 */
export interface McpRequest {
  readonly method: string;
  readonly params: JsonObject;
  /** The client's own token; notifications/progress goes back with it. */
  readonly progressToken?: RequestId;
  /** Log level asked for by this very request (modern). */
  readonly logLevel?: LogLevel;
}

export interface McpNotification {
  readonly method: string;
  readonly params: JsonObject;
}

/** A request from a server to a client: elicitation/create, sampling/createMessage, roots/list. */
export interface Question {
  readonly method: string;
  readonly params: JsonObject;
}

/** What a client says to a question. */
export type Answer = { readonly result: JsonObject } | { readonly error: RpcError };

/** The one final outcome of a request. It has an event id when it ends a stream that can be replayed. */
export type Outcome =
  | { readonly kind: 'result'; readonly result: JsonObject; readonly eventId?: string }
  | {
      readonly kind: 'error';
      readonly error: RpcError;
      readonly eventId?: string;
      /** HTTP status that goes with the error where the client's revision leaves it free. */
      readonly httpStatus?: number;
      /** Refused before it was dispatched to anything: the HTTP status says so too, as long as nothing else was said. */
      readonly refused?: true;
    };

/** What may precede the outcome on the reply stream of a request. */
export type ReplyEvent =
  /** The stream begins; its id lets the client resume before anything else was said. */
  | { readonly kind: 'opened'; readonly eventId?: string; readonly retryMs?: number }
  /** The server ended its stream before the outcome and expects to be asked for the rest; the client may do the same. */
  | { readonly kind: 'interrupted' }
  | { readonly kind: 'notification'; readonly notification: McpNotification; readonly eventId?: string }
  | { readonly kind: 'question'; readonly id: RequestId; readonly question: Question; readonly eventId?: string };

/** Takes the events of one reply stream. A returned promise is back-pressure: do not emit before it settles. */
export interface ReplySink {
  emit(event: ReplyEvent): void | Promise<void>;
}

export const result = (value: JsonObject): Outcome => ({ kind: 'result', result: value });

export const failure = (error: RpcError, httpStatus?: number): Outcome =>
  httpStatus === undefined ? { kind: 'error', error } : { kind: 'error', error, httpStatus };
