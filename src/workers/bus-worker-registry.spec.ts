import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { until } from '../../test/support/until.js';
import { BINDING, WorkerCluster, type TestWorker } from '../affinity/testing.js';
import { WorkerId } from './worker-id.js';

/** The relay is old enough after this time to report unlisted workers as dead. */
const SETTLED_MS = 7_000;

let cluster: WorkerCluster;
let one: TestWorker;
let other: TestWorker;

beforeEach(async () => {
  Logger.overrideLogger(false);
  cluster = new WorkerCluster();
  one = await cluster.start();
  other = await cluster.start();
});

afterEach(async () => {
  await cluster.close();
  Logger.overrideLogger(['fatal', 'error', 'warn', 'log']);
});

describe('BusWorkerRegistry', () => {
  it('lists every announced worker as alive, including itself', async () => {
    const names = [one.name, other.name].toSorted();
    for (const { workers } of [one, other]) expect([...workers.aliveIds].toSorted()).toEqual(names);
    expect(await one.workers.status(other.name)).toBe('alive');
    expect(await one.workers.status(one.name)).toBe('alive');
  });

  it('reports a worker that has left as dead and notifies listeners until they are removed', async () => {
    await cluster.timer.advance(SETTLED_MS);
    let changes = 0;
    const stop = one.workers.onWorkerDead(() => (changes += 1));
    await other.close();
    await cluster.heartbeat();
    expect(one.workers.aliveIds).toEqual([one.name]);
    expect(await one.workers.status(other.name)).toBe('dead');
    expect(changes).toBeGreaterThan(0);
    stop();
    await (await cluster.start()).close();
    const changesBefore = changes;
    await cluster.heartbeat();
    expect(changes).toBe(changesBefore);
  });

  it('updates the list of alive workers at once on refresh', async () => {
    await cluster.timer.advance(SETTLED_MS);
    await other.close();
    expect(one.workers.aliveIds).toContain(other.name);
    await one.workers.refresh();
    expect(one.workers.aliveIds).toEqual([one.name]);
  });

  it('reports an unlisted worker as unknown while the relay is too young, and as dead afterwards', async () => {
    const unlisted = new WorkerId().text;
    expect(await one.workers.status(unlisted)).toBe('unknown');
    await cluster.timer.advance(SETTLED_MS);
    expect(await one.workers.status(unlisted)).toBe('dead');
  });
});

describe('a worker that was declared dead while it was paused', () => {
  it('ends the sessions of a fenced worker at its first request after a pause', async () => {
    const session = one.open();
    expect(one.workers.checkOwnLiveness()).toBeUndefined();
    await cluster.relay.leave(one.name);
    await cluster.timer.advance(0);
    // A paused process sends no heartbeats while the clock advances.
    one.server.node.membership.stop();
    await cluster.timer.advance(SETTLED_MS);
    const found = Promise.resolve(one.router.locate(session.id, BINDING));
    await expect(found).rejects.toMatchObject({ httpStatus: 404 });
    expect(one.sessions.size).toBe(0);
    expect(await one.workers.status(one.name)).toBe('dead');
  });

  it('ends the sessions of a fenced worker at its next heartbeat at the latest', async () => {
    one.open();
    await cluster.relay.leave(one.name);
    await cluster.heartbeat();
    await until(() => one.sessions.size === 0);
    expect(() => one.router.locate('any', BINDING)).toThrow();
  });
});
