/**
 * The neutral model of requests and replies inside the gateway. Codecs convert the era of a client to it, dialects
 * convert it to the era of a server. It contains no protocol dates.
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

/** Says which value at `path` is no log level, and which values are. */
export function toLogLevelFault(path: string, value: unknown): string {
  const shown = value === undefined ? 'missing' : JSON.stringify(value).slice(0, 64).toWellFormed();
  return `${path} is ${shown}; it must be one of ${LOG_LEVELS.join(', ')}`;
}

/** Identity and capabilities that a client declared: in the handshake (legacy) or in each request (modern). */
export interface ClientProfile {
  /** Protocol revision of the client, as on the wire. */
  readonly revision: string;
  readonly capabilities: JsonObject;
  readonly clientInfo?: JsonObject;
}

/**
 * A request in neutral form. `params._meta` contains only members that are not specific to an era: trace context,
 * vendor keys. Version, identity, capabilities, log level and progress token are separate members.
 */
export interface McpRequest {
  readonly method: string;
  readonly params: JsonObject;
  /** Progress token of the client; notifications/progress is sent with it. */
  readonly progressToken?: RequestId;
  /** Log level requested by this request (modern). */
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

/** Answer of a client to a question. */
export type Answer = { readonly result: JsonObject } | { readonly error: RpcError };

/** The single final outcome of a request. It has an event id if it ends a stream that can be replayed. */
export type Outcome =
  | {
      readonly kind: 'result';
      readonly result: JsonObject;
      readonly eventId?: string;
      /** The era in which a server answered; its results have the form of that era. Absent: the gateway answered. */
      readonly serverEra?: Era;
    }
  | {
      readonly kind: 'error';
      readonly error: RpcError;
      readonly eventId?: string;
      /** HTTP status of the error where the revision of the client does not prescribe one. */
      readonly httpStatus?: number;
      /** Refused before dispatch: the HTTP status reports that too, unless the response has already started. */
      readonly refused?: true;
      /** The client cancelled the request and expects no response (basic/utilities/cancellation). */
      readonly cancelled?: true;
    };

/** Events that may precede the outcome on the reply stream of a request. */
export type ReplyEvent =
  /** The stream starts; its event id lets the client resume before any other event. */
  | { readonly kind: 'opened'; readonly eventId?: string; readonly retryMs?: number }
  /** The server ended its stream before the outcome and expects a resumption; the client may do the same. */
  | { readonly kind: 'interrupted' }
  | { readonly kind: 'notification'; readonly notification: McpNotification; readonly eventId?: string }
  | { readonly kind: 'question'; readonly id: RequestId; readonly question: Question; readonly eventId?: string };

/** Receives the events of one reply stream. A returned promise is back-pressure: do not emit before it settles. */
export interface ReplySink {
  emit(event: ReplyEvent): void | Promise<void>;
}

export const result = (value: JsonObject): Outcome => ({ kind: 'result', result: value });

export const failure = (error: RpcError, httpStatus?: number): Outcome =>
  httpStatus === undefined ? { kind: 'error', error } : { kind: 'error', error, httpStatus };
