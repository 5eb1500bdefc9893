import type { JsonValue, TransportFault } from '#lib/mcp-protocol';
import type { UpstreamSessionState } from '../../upstream-session-state.js';
import type { LegacyCall } from './legacy-call.js';
import type { LegacyInbox } from './legacy-inbox.js';

/** What a link tells the connection it serves. */
export interface LinkHost {
  readonly server: string;
  readonly revision: string;
  readonly inbox: LegacyInbox;
  /** No further call can be served; calls under way get no answer any more. */
  lost(reason: string, fault?: TransportFault): void;
  /** An answer came that no call under way waits for. */
  lateAnswer(id: JsonValue | undefined): void;
  /** Changes may have been missed. */
  missedChanges(): void;
  /** The server answers like one of another era. */
  suspectEra(): void;
}

/** What somebody else needs to go on with the session of a link. */
export type DetachedSession = Pick<UpstreamSessionState, 'sessionId' | 'stream'>;

/** What became of what expects no answer. `taken` as well when nobody can tell: the server may have read it. */
export type Delivery = 'taken' | 'failed' | 'session ended';

/** How messages travel between a connection and a legacy server. */
export interface LegacyLink {
  /** A question on this link does not say which call it belongs to. */
  readonly sharesOneStream: boolean;
  /** True when no further call fits in. */
  readonly full: boolean;
  /** Sends a call and settles it with what comes back. */
  send(call: LegacyCall, text: string): void;
  /** Sends what expects no answer. */
  sendOneWay(text: string): Promise<Delivery>;
  /** The server has no way to say what belongs to no call. Known once the ears were opened. */
  readonly serverStreamUnsupported: boolean;
  /** Makes the server able to send what belongs to no call. Resolves when it can, or never will. */
  openServerStream(): Promise<void>;
  /** Lets go of the server's session without ending it. Absent where the session ends with the link. */
  detach?(): DetachedSession;
  close(): Promise<void>;
}
