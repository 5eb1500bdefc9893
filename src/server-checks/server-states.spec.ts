import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { RedisConfig } from '#lib/redis';
import { startRedis, type RunningRedis } from '#lib/testing/redis-server';
import { until } from '../../test/support/until.js';
import { Coordination } from '../coordination/index.js';
import { RedisServerStates } from './redis-server-states.js';
import type { ServerState } from './server-state.js';
import { LocalServerStates, type ServerStates } from './server-states.js';

const SECRET = Buffer.alloc(32, 7);
const state = (since: number): ServerState => ({
  state: 'down',
  since,
  checkedAt: since,
  checkedBy: 'w',
  failures: 3,
  successes: 0,
  changes: 1,
  lastError: { at: since, code: -31_004, reason: 'refused', detail: 'CANARY' },
});

let server: RunningRedis;
let coordination: Coordination;

beforeAll(async () => {
  Logger.overrideLogger(false);
  server = await startRedis();
  coordination = new Coordination(Object.assign(new RedisConfig(), { url: server.url }));
  await until(() => coordination.redis?.commands.isReady === true);
});

afterAll(async () => {
  coordination.onApplicationShutdown();
  await server.stop();
  Logger.overrideLogger(['fatal', 'error', 'warn', 'log']);
});

const shared = () => coordination.redis!;

describe.each<[string, () => ServerStates]>([
  ['of a single worker', () => new LocalServerStates()],
  ['in Redis', () => new RedisServerStates(shared(), SECRET)],
])('the states of servers %s', (_place, create) => {
  let states: ServerStates;

  beforeEach(async () => {
    await shared().commands.send('FLUSHALL');
    states = create();
  });

  it('are found by the identities of their servers until they are deleted', async () => {
    await states.store('a', state(1));
    await states.store('b', state(2));
    await states.store('a', state(3));
    expect(await states.find('a')).toEqual(state(3));
    expect(await states.find('c')).toBeUndefined();
    expect(await states.findAll(['a', 'c'])).toEqual(new Map([['a', state(3)]]));
    await states.delete('a');
    expect(await states.find('a')).toBeUndefined();
    expect(await states.find('b')).toEqual(state(2));
  });
});

describe('the states of servers in Redis', () => {
  it('are equal for all workers with the secret, and unreadable for others', async () => {
    const one = new RedisServerStates(shared(), SECRET);
    await one.store('a', state(1));
    expect(await new RedisServerStates(shared(), SECRET).find('a')).toEqual(state(1));
    expect(await new RedisServerStates(shared(), Buffer.alloc(32, 8)).find('a')).toBeUndefined();
    const [key] = (await shared().commands.send('KEYS', '*')) as string[];
    expect(await shared().commands.send('GET', key ?? '')).not.toContain('CANARY');
    expect(Number(await shared().commands.send('PTTL', key ?? ''))).toBeGreaterThan(0);
  });
});
