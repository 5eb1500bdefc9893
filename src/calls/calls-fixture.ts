/** What the specs of calls share. */
import { ManualClock } from '#lib/testing/manual-clock';
import type { Era, McpRequest } from '#lib/mcp-protocol';
import {
  callerOf,
  FakeConnector,
  FakeRegistry,
  LEGACY_CLIENT,
  remoteServer,
} from '../../test/support/fake-upstream.js';
import { ConnectionsConfig, ServerHealth, UpstreamPool } from '../connections/index.js';
import type { ServerDefinition } from '../registry/index.js';
import { SessionPoolConfig } from '../session-pool/index.js';
import { CallsConfig } from './calls.config.js';
import { ParkedCalls } from './parked-calls.js';
import type { UpstreamCall } from './upstream-call.js';
import { UpstreamCalls } from './upstream-calls.js';

type Settings = SessionPoolConfig & ConnectionsConfig & CallsConfig;

export const limits = (settings: Partial<Settings> = {}): Settings =>
  Object.assign(new SessionPoolConfig(), new ConnectionsConfig(), new CallsConfig(), settings);

/** The server of the calls. */
export const CALLED_SERVER = remoteServer('a');

const pools: UpstreamPool[] = [];

/** Opens a pool of fake connections, and the calls over them. */
export function openCalls(era: Era = 'legacy', servers: readonly ServerDefinition[] = [CALLED_SERVER]) {
  const connector = new FakeConnector();
  connector.eras.set(CALLED_SERVER.slug, era);
  const clock = new ManualClock();
  const config = limits({ maxQuestionRounds: 2 });
  const pool = new UpstreamPool(connector, config, new FakeRegistry(servers), clock);
  pools.push(pool);
  const health = new ServerHealth(new FakeRegistry(), clock);
  const calls = new UpstreamCalls(pool, config, new ParkedCalls(config, config, clock), health, clock);
  return { connector, clock, calls };
}

/** Closes the pools that were opened. */
export async function closeCalls(): Promise<void> {
  for (const pool of pools.splice(0)) await pool.close();
}

export const callOf = (request: Partial<McpRequest> = {}, more: Partial<UpstreamCall> = {}): UpstreamCall => ({
  server: CALLED_SERVER,
  request: { method: 'tools/call', params: { name: 'echo' }, ...request },
  caller: callerOf('me'),
  client: LEGACY_CLIENT,
  requestId: 7,
  clientRepeatsCall: false,
  ...more,
});
