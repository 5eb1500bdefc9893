import {
  result,
  type Answer,
  type ClientProfile,
  type JsonObject,
  type McpNotification,
  type McpRequest,
  type Outcome,
  type Question,
} from '#lib/mcp-protocol';
import type { ChangeFilter } from './change-filter.js';
import type { ServerProfile } from './server-profile.js';
import type { UpstreamSessionState } from './upstream-session-state.js';

export type { ChangeFilter, ServerProfile };

/** Receives the messages that precede the outcome of one request. */
export interface UpstreamReply {
  /** A returned promise is back-pressure. */
  notify(notification: McpNotification): void | Promise<void>;
  /** The server replies with a resumable stream. Called before any other message of that stream. */
  opened?(retryMs?: number): void;
  /** The server ended that stream before the outcome. The connection resumes the stream itself. */
  interrupted?(): void;
  /** Answers a live question that the server sent during this request. */
  answerQuestion(question: Question, signal: AbortSignal): Promise<Answer>;
  /** A question was rejected because it requires these capabilities, which the client did not declare. */
  missingCapabilities?(capabilities: JsonObject): void;
}

/** Receives events that belong to no request: messages of a session, and the end of the connection. */
export interface ConnectionEvents {
  notify(notification: McpNotification): void;
  /**
   * Answers a live question that belongs to no request. Returns undefined if it is unknown which client is meant. The
   * signal is aborted when the server no longer waits for the answer.
   * @param client the client of the only call that may lead to questions, if there is one; nobody else can be meant
   */
  question?(question: Question, signal: AbortSignal, client?: string): Promise<Answer> | undefined;
  /** The connection can serve no further request: the child process exited, the session ended or the stream broke. */
  closed(reason: string): void;
  /** A question was rejected because it could belong to several principals. A separate connection would avoid this. */
  ambiguousQuestion?(): void;
  /**
   * True if a call that would wait behind another client's unanswered question may use another connection instead. Its
   * outcome is then `BLOCKED_BY_QUESTION`.
   */
  readonly callsMayMove?: boolean;
}

/** An active subscription at a server. */
export interface UpstreamSubscription {
  /** The part of the filter that the server accepted. */
  readonly honoured: ChangeFilter;
  /** Resources that the server refused one by one, with its errors. */
  readonly refused?: readonly RefusedResource[];
  close(): Promise<void>;
}

/** A resource whose subscription the server refused. */
export interface RefusedResource {
  readonly uri: string;
  readonly refusal: Extract<Outcome, { kind: 'error' }>;
}

/** Identifies the principal and the client of a request. Equal texts mean the same principal or client. */
export interface CallIdentity {
  readonly principal: string;
  readonly client: string;
}

export interface UpstreamRequest extends McpRequest {
  /** Headers that mirror tool parameters (`Mcp-Param-*`), with unencoded values; for servers that require them. */
  readonly parameterHeaders?: Readonly<Record<string, string | number | boolean>>;
  /** The client on whose behalf the request is sent; a modern server receives its profile with every request. */
  readonly client: ClientProfile;
  /** When absent, the request counts as one of an unknown principal, different from all others. */
  readonly asker?: CallIdentity;
  /** True if the client may receive messages of the server that the gateway does not know. Default: they are withheld. */
  readonly acceptsUnknown?: boolean;
}

/**
 * One connection to one server: an upstream session, a child process, or just an HTTP pool for a modern server.
 * The connection assigns its own ids and progress tokens towards the server and restores the caller's in notifications.
 */
export interface UpstreamConnection {
  readonly profile: ServerProfile;
  readonly closed: boolean;

  /**
   * Reads what the server says about itself now. Rejects with an OutcomeError. Absent where the profile lasts as long as the
   * connection: a session, a process.
   */
  readProfile?(): Promise<ServerProfile>;

  /**
   * Sends one request exactly once. Never rejects: the error mapper turns every failure into an outcome
   * (docs/errors.md). Aborting the signal cancels the request upstream as the era prescribes. The outcome is then
   * -31002, unless another outcome arrived first.
   */
  request(request: UpstreamRequest, reply: UpstreamReply, signal: AbortSignal): Promise<Outcome>;

  /**
   * Returns the identity of the call whose question waits for its client's answer, if the calls of other clients cannot
   * run on this connection until then. Absent where calls never wait for each other.
   */
  blockingCall?(): { readonly asker: CallIdentity | undefined } | undefined;

  /**
   * Forwards a client's notification, except one that the era of the server does not have. Never rejects. The outcome is
   * `DELIVERED`, also when the server may have read it, or the error that says why the server has not received it.
   */
  notify(notification: McpNotification): Promise<Outcome>;

  /** Subscribes to changes until the subscription is closed. Rejects with an OutcomeError. */
  subscribe(filter: ChangeFilter, onChange: (notification: McpNotification) => void): Promise<UpstreamSubscription>;

  /** Ends the upstream session (DELETE), closes its streams and stops its child process. Idempotent. */
  close(): Promise<void>;

  /**
   * Detaches the server's session without ending it, and returns the state with which another worker can adopt it. The
   * connection is closed afterwards; in-flight calls still receive their outcomes. Returns undefined when the
   * connection was closed before. Absent when a session cannot be detached: child processes and HTTP+SSE bind a session
   * to this process, and a modern server has no sessions.
   */
  readonly detachSession?: (() => UpstreamSessionState | undefined) | undefined;
}

/** The outcome of a message that expects no answer. */
export const DELIVERED: Outcome = result({});

/** Returns what the server of a connection says about itself now. Rejects with an OutcomeError. */
export async function readCurrentProfile(connection: UpstreamConnection): Promise<ServerProfile> {
  return connection.readProfile ? connection.readProfile() : connection.profile;
}
