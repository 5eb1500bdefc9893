import type { McpNotification } from '#lib/mcp-protocol';
import type { UpstreamConnection } from '../upstream/index.js';
import type { PoolEntry } from './pool-entry.js';

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
  return {
    connection,
    sharingKey: entry.sharing?.key,
    onClosed: (listener) => {
      removeHolder = entry.addHolder(listener);
    },
    onNotification: (listener) => {
      removeListener = entry.addNotificationListener(listener);
    },
    release: () => {
      removeHolder?.();
      removeListener?.();
      removeUser();
    },
  };
}
