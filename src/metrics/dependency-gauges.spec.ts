import { expect, it } from '@jest/globals';
import type { Coordination } from '../coordination/index.js';
import type { Database } from '../database/index.js';
import type { ServerChecks, ServerState } from '../server-checks/index.js';
import { DependencyGauges } from './dependency-gauges.js';
import { PrometheusMeters, renderMetrics } from './prometheus-meters.js';

const stateOf = (state: ServerState['state']): ServerState => ({
  state,
  since: 0,
  checkedAt: 0,
  checkedBy: 'another worker',
  failures: 0,
  successes: 0,
  changes: 0,
});

/** Reads the metric with these states of servers, by slug. */
async function readServerUp(findAll: () => Promise<ReadonlyMap<string, ServerState>>): Promise<readonly string[]> {
  const meters = new PrometheusMeters();
  const checks = { findAll } as unknown as ServerChecks;
  const noDatabase = {} as unknown as Database;
  new DependencyGauges({} as unknown as Coordination, noDatabase, checks).register(meters);
  const text = await renderMetrics(await meters.snapshot());
  return text.split('\n').filter((line) => line.startsWith('isthmus_server_up'));
}

it('reports the servers that health checks found up or down, whichever worker checks them', async () => {
  const states = (['up', 'down', 'idle', 'unknown'] as const).map((state) => [`is-${state}`, stateOf(state)] as const);
  expect(await readServerUp(async () => new Map(states))).toEqual([
    'isthmus_server_up{server="is-up"} 1',
    'isthmus_server_up{server="is-down"} 0',
  ]);
});

it('reports no server without health checks', async () => {
  expect(await readServerUp(async () => new Map())).toEqual([]);
});
