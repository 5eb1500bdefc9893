import type { JsonValue, Outcome, TransportFault } from '#lib/mcp-protocol';
import type { Clock } from '#lib/time';
import type { UpstreamSessionState } from '../../upstream-session-state.js';
import type { LegacyCall } from './legacy-call.js';
import type { LegacyInbox } from './legacy-inbox.js';

/** Implemented by the connection: receives the events of its link. */
export interface LinkHost {
  readonly server: string;
  readonly revision: string;
  readonly inbox: LegacyInbox;
  readonly clock: Clock;
  /** The link can serve no further call, and in-flight calls receive no answer any more. */
  lost(reason: string, fault?: TransportFault): void;
  /** The server no longer knows the session. Calls that it has accepted end on their own streams. */
  sessionEnded(): void;
  /** An answer arrived for which no in-flight call waits. */
  lateAnswer(id: JsonValue | undefined): void;
  /** Changes may have been missed. */
  missedChanges(): void;
  /** An answer of the server is typical of another era. */
  suspectEra(): void;
}

/** The state with which another worker can adopt the session of a link. */
export type DetachedSession = Pick<UpstreamSessionState, 'sessionId' | 'stream'>;

/** Transports messages between a connection and a legacy server. */
export interface LegacyLink {
  /** True when a question on this link does not identify its call. */
  readonly sharesOneStream: boolean;
  /** True when the server has no session, so that it announces changes during calls only. */
  readonly isSessionless: boolean;
  /** True when the link accepts no further call for now. */
  readonly full: boolean;
  /** Sends a call and settles it with the answer. */
  send(call: LegacyCall, text: string): void;
  /**
   * Sends a message that expects no answer. The outcome is an error only when the server has not accepted it, never when it may
   * have read it. It is marked (`needsNewConnection`) when the server no longer knows the session.
   */
  sendOneWay(text: string): Promise<Outcome>;
  /** True when the server offers no stream for messages that belong to no call. Known after `openServerStream`. */
  readonly serverStreamUnsupported: boolean;
  /** Opens the stream for messages that belong to no call. Resolves when it is open, or when the server offers none. */
  openServerStream(): Promise<void>;
  /** Detaches the server's session without ending it. Absent when the session ends with the link. */
  detach?(): DetachedSession;
  /** Closes the link. The server's session is ended too, if it still `hasSession`. */
  close(hasSession: boolean): Promise<void>;
}
