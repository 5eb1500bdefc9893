import type { Server, ServerHealth } from './server-queries.js';

export interface ServerRow {
  readonly server: Server;
  readonly health: ServerHealth | undefined;
  /** Era and revision in use. Undefined without a connection. */
  readonly era: string | undefined;
}

export type State = ServerHealth['state'] | 'disabled' | 'invalid';

export function stateOf({ server, health }: Pick<ServerRow, 'server' | 'health'>): State {
  if (server.entry?.['enabled'] === false) return 'disabled';
  if (!server.usable) return 'invalid';
  return health?.state ?? 'unknown';
}

/** The last failure in the words of the gateway. */
export function lastErrorOf({ server, health }: Pick<ServerRow, 'server' | 'health'>): string {
  if (server.faults.length > 0) return server.faults.join('; ');
  const last = health?.lastError ?? health?.workers.find(({ state }) => state === 'down');
  if (!last || health?.state === 'up') return '';
  return last.detail ?? last.reason ?? '';
}
