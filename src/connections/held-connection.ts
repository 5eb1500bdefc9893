import type { McpNotification } from '#lib/mcp-protocol';
import type { UpstreamConnection } from '../upstream/index.js';
import type { PoolEntry, QuestionListener } from './pool-entry.js';

/** Options for holding a connection. */
export interface HoldOptions {
  /** Opens the connection on this worker, whatever the placement, because another worker requested it. */
  readonly forceLocal?: boolean;
  /** The server turned out to be of another era than expected, so another worker may own the connection. */
  readonly isOfOtherEra?: boolean;
  /** The question of another client blocks the shared connection, so the request needs another one. */
  readonly isBlocked?: boolean;
  /** Aborts when the request is cancelled. The attempt to connect continues for the other requests that wait for it. */
  readonly signal?: AbortSignal;
  /** The monotonic time at which the request began to connect. Default: now. */
  readonly startedAt?: number;
}

/** A connection that stays open until it is released. */
export interface HeldConnection {
  readonly connection: UpstreamConnection;
  /** Identifies the clients that may share it (`UpstreamPool.sharingKeyOf`). Undefined if no other client may. */
  readonly sharingKey: string | undefined;
  /** Calls the listener once when the connection closed or its server was reconfigured. Accepts one listener. */
  onClosed(listener: () => void): void;
  /**
   * Calls the listener with each notification outside any call, if only one principal shares the connection. Accepts
   * one listener.
   */
  onNotification(listener: (notification: McpNotification) => void): void;
  /**
   * Asks the listener the questions outside any call, if no other client could be meant. It returns undefined if it does
   * not know whom to ask. Accepts one listener.
   */
  onQuestion(listener: QuestionListener): void;
  /**
   * States whether the holder only waits for its next call. The connection may then be closed to make room for another
   * one; the listener for its end must release it at once.
   */
  setWaiting(isWaiting: boolean): void;
  /** Idempotent. */
  readonly release: () => void;
}

export function toHeldConnection(
  entry: PoolEntry,
  connection: UpstreamConnection,
  removeUser: () => void,
): HeldConnection {
  let removeHolder: (() => void) | undefined;
  let removeListener: (() => void) | undefined;
  let removeQuestionListener: (() => void) | undefined;
  let isWaiting = false;
  const setWaiting = (isWaitingNow: boolean) => {
    if (isWaitingNow === isWaiting) return;
    isWaiting = isWaitingNow;
    entry.setUserWaiting(isWaiting);
  };
  return {
    connection,
    sharingKey: entry.sharing?.key,
    onClosed: (listener) => {
      removeHolder = entry.addHolder(listener);
    },
    onNotification: (listener) => {
      removeListener = entry.addNotificationListener(listener);
    },
    onQuestion: (listener) => {
      removeQuestionListener = entry.addQuestionListener(listener);
    },
    setWaiting,
    release: () => {
      setWaiting(false);
      removeHolder?.();
      removeListener?.();
      removeQuestionListener?.();
      removeUser();
    },
  };
}
