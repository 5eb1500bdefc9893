import type { PoolEntry } from './pool-entry.js';

/** What is shown of a connection to those who look after the gateway: no id that opens anything, no content. */
export interface UpstreamView {
  /** Names it at its worker. */
  readonly serial: number;
  readonly server: string;
  readonly era: string;
  readonly revision: string;
  /** Who may use it. */
  readonly among: 'all' | 'principal' | 'session';
  /** Calls and subscriptions that use it now. */
  readonly users: number;
  /** Milliseconds since the Unix epoch; nobody has used it since. Absent while somebody does. */
  readonly idleSince?: number;
  /** Incarnation of the worker that really has it, where that is another one. */
  readonly place?: string;
}

/** Undefined for what is still being opened, and for what serves one call only. */
export function toUpstreamView(entry: PoolEntry): UpstreamView | undefined {
  const { serial, server, connection, sharing, users, idleSince, remoteWorker: place, isIdle: idle } = entry;
  if (!connection || !sharing) return undefined;
  const { era, revision } = connection.profile;
  return {
    serial,
    server: server.slug,
    era,
    revision,
    among: sharing.sharedBy,
    users,
    ...(idle && { idleSince }),
    ...(place !== undefined && { place }),
  };
}
