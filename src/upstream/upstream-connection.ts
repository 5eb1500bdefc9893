import type {
  Answer,
  ClientProfile,
  JsonObject,
  McpNotification,
  McpRequest,
  Outcome,
  Question,
} from '#lib/mcp-protocol';
import type { ChangeFilter } from './change-filter.js';
import type { ServerProfile } from './server-profile.js';
import type { UpstreamSessionState } from './upstream-session-state.js';

export type { ChangeFilter, ServerProfile };

/** Receives what precedes the outcome of one request. */
export interface UpstreamReply {
  /** A returned promise is back-pressure. */
  notify(notification: McpNotification): void | Promise<void>;
  /** The server answers with a stream that can be resumed; said before anything else on it. */
  opened?(retryMs?: number): void;
  /** The server ended that stream before the outcome. The connection resumes it by itself. */
  interrupted?(): void;
  /** A live question, asked in the middle of this request. */
  answerQuestion(question: Question, signal: AbortSignal): Promise<Answer>;
  /** A question was refused, because it needs capabilities that the client has not declared. */
  missingCapabilities?(capabilities: JsonObject): void;
}

/** Receives what belongs to no request: log messages of a session, the end of the connection. */
export interface ConnectionEvents {
  notify(notification: McpNotification): void;
  /** The connection can serve no further request: child process died, session gone, stream cut. */
  closed(reason: string): void;
  /** A question was refused because nobody can tell whose it is. Another connection would have no such doubt. */
  ambiguousQuestion?(): void;
}

/** A running subscription at a server. */
export interface UpstreamSubscription {
  /** What the server really honours. */
  readonly honoured: ChangeFilter;
  /** The server's own words to resources that it refused one by one. */
  readonly refused?: readonly RefusedResource[];
  close(): Promise<void>;
}

/** A resource that a server does not tell of. */
export interface RefusedResource {
  readonly uri: string;
  readonly refusal: Extract<Outcome, { kind: 'error' }>;
}

/** Whose a request is, as far as clients can be told apart: the same texts for the same ones. */
export interface CallIdentity {
  readonly principal: string;
  readonly client: string;
}

export interface UpstreamRequest extends McpRequest {
  /** Headers that mirror tool parameters, `Mcp-Param-*` to value, unencoded; used by servers that demand them. */
  readonly parameterHeaders?: Readonly<Record<string, string | number | boolean>>;
  /** The client on whose behalf it is asked; a modern server is told with every request. */
  readonly client: ClientProfile;
  /** Without it, nobody else is the same. */
  readonly asker?: CallIdentity;
}

/**
 * One connection to one server: an upstream session, a child process, or just an HTTP pool for a modern server.
 * Ids and progress tokens towards the server are the connection's own; the caller's are restored in notifications.
 */
export interface UpstreamConnection {
  readonly profile: ServerProfile;
  readonly closed: boolean;

  /**
   * Sends one request, once. Never throws: every failure is an outcome made by the error mapper (docs/errors.md).
   * Aborting the signal cancels upstream as the era prescribes; the outcome is then -31002 unless one arrived before.
   */
  request(request: UpstreamRequest, reply: UpstreamReply, signal: AbortSignal): Promise<Outcome>;

  /** Passes a client's notification on (roots list changed). A modern server has no use for it: no-op. */
  notify(notification: McpNotification): Promise<void>;

  /** Subscribes to changes until closed. Rejects with an OutcomeError. */
  subscribe(filter: ChangeFilter, onChange: (notification: McpNotification) => void): Promise<UpstreamSubscription>;

  /** Ends the upstream session (DELETE), closes streams, ends the child process. Idempotent. */
  close(): Promise<void>;

  /**
   * Gives the server's session away without ending it: another worker can go on with what is returned. The connection
   * is closed then; calls under way still get their answers. Undefined when it was closed before. Absent where nothing
   * can be given away: child processes and HTTP+SSE bind a session to this process, a modern server keeps none.
   */
  readonly detachSession?: (() => UpstreamSessionState | undefined) | undefined;
}
