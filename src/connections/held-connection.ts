import type { McpNotification } from '#lib/mcp-protocol';
import type { UpstreamConnection } from '../upstream/index.js';
import type { PoolEntry } from './pool-entry.js';

/** A connection that stays open until it is released. */
export interface HeldConnection {
  readonly connection: UpstreamConnection;
  /** Who may share it, as `entitlementOf` tells. Undefined: nobody. */
  readonly sharingKey: string | undefined;
  /** Calls back once when the connection ended by itself, or its server was configured anew. For one listener. */
  onClosed(listener: () => void): void;
  /** Calls back with what the server says outside of any call, if all who share it are one principal. For one listener. */
  onNotification(listener: (notification: McpNotification) => void): void;
  /** Idempotent. */
  readonly release: () => void;
}

export function toHeldConnection(entry: PoolEntry, connection: UpstreamConnection, leave: () => void): HeldConnection {
  let forget: (() => void) | undefined;
  let stopHearing: (() => void) | undefined;
  return {
    connection,
    sharingKey: entry.sharing?.key,
    onClosed: (listener) => {
      forget = entry.addHolder(listener);
    },
    onNotification: (listener) => {
      stopHearing = entry.addNotificationListener(listener);
    },
    release: () => {
      forget?.();
      stopHearing?.();
      leave();
    },
  };
}
