import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { until } from '../../test/support/until.js';
import { BINDING, WorkerCluster, type TestWorker } from '../affinity/testing.js';
import { WorkerId } from './worker-id.js';

/** Long enough after the relay began for whoever is not listed to be gone. */
const SETTLED_MS = 7_000;

let neighbours: WorkerCluster;
let one: TestWorker;
let other: TestWorker;

beforeEach(async () => {
  Logger.overrideLogger(false);
  neighbours = new WorkerCluster();
  one = await neighbours.start();
  other = await neighbours.start();
});

afterEach(async () => {
  await neighbours.close();
  Logger.overrideLogger(['fatal', 'error', 'warn', 'log']);
});

describe('workers that announce themselves', () => {
  it('know each other and themselves', async () => {
    const names = [one.name, other.name].toSorted();
    for (const { workers } of [one, other]) expect([...workers.aliveIds].toSorted()).toEqual(names);
    expect(await one.workers.status(other.name)).toBe('alive');
    expect(await one.workers.status(one.name)).toBe('alive');
  });

  it('tell of one that has left', async () => {
    await neighbours.timer.advance(SETTLED_MS);
    let changes = 0;
    const stop = one.workers.onWorkerDead(() => (changes += 1));
    await other.close();
    await neighbours.heartbeat();
    expect(one.workers.aliveIds).toEqual([one.name]);
    expect(await one.workers.status(other.name)).toBe('gone');
    expect(changes).toBeGreaterThan(0);
    stop();
    await (await neighbours.start()).close();
    const told = changes;
    await neighbours.heartbeat();
    expect(changes).toBe(told);
  });

  it('learn at once who is there, when they have to know', async () => {
    await neighbours.timer.advance(SETTLED_MS);
    await other.close();
    expect(one.workers.aliveIds).toContain(other.name);
    await one.workers.refresh();
    expect(one.workers.aliveIds).toEqual([one.name]);
  });

  it('do not call anybody gone while the relay is too young to know', async () => {
    const stranger = new WorkerId().text;
    expect(await one.workers.status(stranger)).toBe('unsure');
    await neighbours.timer.advance(SETTLED_MS);
    expect(await one.workers.status(stranger)).toBe('gone');
  });
});

describe('a worker that was declared gone while it slept', () => {
  it('serves nothing that it owned any more, from its first look at the clock', async () => {
    const session = one.open();
    expect(one.workers.checkOwnLiveness()).toBeUndefined();
    await neighbours.relay.leave(one.name);
    await neighbours.timer.advance(0);
    // Its own beats stand still as it does; only the clock goes on.
    one.server.node.membership.stop();
    await neighbours.timer.advance(SETTLED_MS);
    const found = Promise.resolve(one.router.locate(session.id, BINDING));
    await expect(found).rejects.toMatchObject({ httpStatus: 404 });
    expect(one.sessions.size).toBe(0);
    expect(await one.workers.status(one.name)).toBe('gone');
  });

  it('learns of it by its next beat at the latest', async () => {
    one.open();
    await neighbours.relay.leave(one.name);
    await neighbours.heartbeat();
    await until(() => one.sessions.size === 0);
    expect(() => one.router.locate('any', BINDING)).toThrow();
  });
});
