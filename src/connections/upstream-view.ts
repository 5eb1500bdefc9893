import type { PoolEntry } from './pool-entry.js';

/** A connection as administrators see it: without content, and without an id that grants access. */
export interface UpstreamView {
  /** Identifies the connection at its worker. */
  readonly serial: number;
  readonly server: string;
  readonly era: string;
  readonly revision: string;
  /** The group of clients that share the connection. */
  readonly among: 'all' | 'principal' | 'session';
  /** Key of the caller whom the connection serves. Absent: it serves several. */
  readonly caller?: string;
  /** Number of calls and subscriptions that use it now. */
  readonly users: number;
  /** Time of last use, in milliseconds since the Unix epoch. Absent while the connection is in use. */
  readonly idleSince?: number;
  /** Incarnation of the worker that owns the connection, if that is another one. */
  readonly place?: string;
}

/** Returns undefined for a connection that is still being opened or serves only one call. */
export function toUpstreamView(entry: PoolEntry): UpstreamView | undefined {
  const { serial, server, connection, sharing, users, idleSince, remoteWorker, isIdle } = entry;
  if (!connection || !sharing) return undefined;
  const { era, revision } = connection.profile;
  return {
    serial,
    server: server.slug,
    era,
    revision,
    among: sharing.sharedBy,
    ...(sharing.caller !== undefined && { caller: sharing.caller }),
    users,
    ...(isIdle && { idleSince }),
    ...(remoteWorker !== undefined && { place: remoteWorker }),
  };
}
