import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { ClusterWorker } from '../support/cluster.js';
import { startClusterWorld, threeOf, type ClusterWorld } from '../support/cluster-world.js';
import { until } from '../support/until.js';

let world: ClusterWorld;
let sleeper: ClusterWorker;
let other: ClusterWorker;

beforeEach(async () => {
  world = await startClusterWorld(3);
  [sleeper, other] = threeOf(world);
});

afterEach(() => world.close());

describe('a worker that slept until the others took it for gone', () => {
  it('ends what it had, and starts anew with sessions that every worker knows', async () => {
    const old = await world.initialize(sleeper);
    sleeper.kill('SIGSTOP');
    await until(async () => (await old.ask(other, 'while it sleeps')).status === 404);
    sleeper.kill('SIGCONT');
    // Between the end of the old one and the beginning of the new one nobody listens.
    const awake = () => old.ask(sleeper, 'awake').catch(() => undefined);
    await until(async () => (await awake())?.status === 404);
    await sleeper.printed(/has started anew/);
    const fresh = await world.initialize(sleeper);
    expect(await fresh.ask(other, 'fresh')).toMatchObject({ status: 200, messages: [{ result: {} }] });
    expect((await old.ask(sleeper, 'still gone')).status).toBe(404);
    expect(world.server.arrivals('while it sleeps')).toBe(0);
    expect(sleeper.output).not.toMatch(/unhandled/i);
  }, 60_000);
});
