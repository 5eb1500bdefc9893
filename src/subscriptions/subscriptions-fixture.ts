import { ANONYMOUS, OutcomeError } from '#lib/extension-kit';
import type { Era, McpNotification } from '#lib/mcp-protocol';
import { SystemClock } from '#lib/time';
import {
  callerOf,
  FakeConnector,
  FakeRegistry,
  LEGACY_CLIENT,
  remoteServer,
  unreachable,
} from '../../test/support/fake-upstream.js';
import type { ServerDefinition } from '../registry/index.js';
import { Session, SessionPoolConfig } from '../session-pool/index.js';
import { UpstreamPool, ConnectionsConfig } from '../connections/index.js';
import type { ChangeFilter } from '../upstream/index.js';
import { ServerSubscriptions } from './server-subscriptions.js';

export const TOOLS_CHANGED = { method: 'notifications/tools/list_changed', params: {} };
export const PROMPTS_CHANGED = { method: 'notifications/prompts/list_changed', params: {} };
export const resourceUpdated = (uri: string) => ({ method: 'notifications/resources/updated', params: { uri } });
export const resourceFilter = (...uris: string[]): ChangeFilter => ({ resourceSubscriptions: uris });
export const LIST_FILTER = { toolsListChanged: true, promptsListChanged: true };

const pools: UpstreamPool[] = [];

/** Subscribers of one server `a`, which the spec simulates. */
export function subscriptionsWorld(era: Era = 'modern', server: ServerDefinition = remoteServer('a')) {
  const connector = new FakeConnector();
  connector.eras.set('a', era);
  const registry = new FakeRegistry([server]);
  const config = new SessionPoolConfig();
  const pool = new UpstreamPool(connector, new ConnectionsConfig(), registry, new SystemClock());
  pools.push(pool);
  const subscriptions = new ServerSubscriptions(pool, registry, new SystemClock());
  const requested: ChangeFilter[] = [];
  const before = connector.beforeSubscribing;
  connector.beforeSubscribing = (connection, filter) => {
    requested.push(filter);
    return before(connection, filter);
  };
  const scopeOf = (subject: string, capabilities = {}) => ({
    caller: subject === 'anonymous' ? ANONYMOUS : callerOf(subject),
    client: { ...LEGACY_CLIENT, capabilities },
    session: undefined,
  });
  const join = async (filter: ChangeFilter, subject = 'me', capabilities = {}) => {
    const received: McpNotification[] = [];
    const handle = await subscriptions.subscribe(
      server,
      scopeOf(subject, capabilities),
      filter,
      (change) => void received.push(change),
    );
    return { handle, received };
  };
  const follow = (filter: ChangeFilter, subject = 'me') => {
    const received: McpNotification[] = [];
    const handle = subscriptions.subscribeWithRetry(
      server,
      scopeOf(subject),
      filter,
      (change) => void received.push(change),
    );
    return { handle, received };
  };
  const session = (subject = 'me') => {
    const start = { id: subject, caller: callerOf(subject), endpoint: 'a', client: LEGACY_CLIENT };
    return new Session({ ...start, answersOnServerStream: false }, config, new SystemClock());
  };
  /** The filters of the open subscriptions at the server. */
  const open = () => connector.live.flatMap(({ listeners }) => listeners.map(({ filter }) => filter));
  const change = (notification: McpNotification) => {
    for (const connection of connector.live) connection.emitChange(notification);
  };
  return { server, connector, registry, pool, subscriptions, requested, join, follow, session, open, change };
}

export const refusal = (code = -32_602) =>
  new OutcomeError({ kind: 'error', error: { code, message: 'No such resource' } });

export const rejectUnreachable = () => Promise.reject(new OutcomeError(unreachable('a')));

export async function closeWorlds(): Promise<void> {
  for (const pool of pools.splice(0)) await pool.close();
}
