import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { RedisConnections, RedisKeys, type RedisCommands } from '#lib/redis';
import { startRedis, type RunningRedis } from '#lib/testing/redis-server';
import { RelayFailure } from '#lib/worker-bus';
import { until } from '../../test/support/until.js';
import { RedisHandoffDirectory } from './redis-handoff-directory.js';

const DAY_MS = 24 * 60 * 60 * 1000;
const keys = new RedisKeys('spec:');

let server: RunningRedis;
let connections: RedisConnections;
let redis: RedisCommands;
let sessions = 0;

const newSession = () => `moved-${(sessions += 1)}`;

async function connect(): Promise<RedisCommands> {
  const commands = connections.openCommands();
  await until(() => commands.isReady);
  return commands;
}

beforeAll(async () => {
  Logger.overrideLogger(false);
  server = await startRedis();
});

afterAll(async () => {
  await server.stop();
  Logger.overrideLogger(['fatal', 'error', 'warn', 'log']);
});

beforeEach(async () => {
  const address = { host: '127.0.0.1', port: server.port };
  connections = new RedisConnections({ kind: 'single', address }, { database: 0 });
  redis = await connect();
});

afterEach(() => connections.close());

describe('where sessions went, in Redis', () => {
  it('is known to every worker of the installation, and to no other', async () => {
    const session = newSession();
    await new RedisHandoffDirectory(redis, keys).record(session, 'heir');
    const another = await connect();
    expect(await new RedisHandoffDirectory(another, keys).findNewOwner(session)).toBe('heir');
    expect(await new RedisHandoffDirectory(another, new RedisKeys('other:')).findNewOwner(session)).toBeUndefined();
  });

  it('is the last place, of a session that went on and on', async () => {
    const [session, heirs] = [newSession(), new RedisHandoffDirectory(redis, keys)];
    await heirs.record(session, 'heir');
    await heirs.record(session, 'heir of the heir');
    expect(await heirs.findNewOwner(session)).toBe('heir of the heir');
  });

  it('is not known of one that never went anywhere', async () => {
    expect(await new RedisHandoffDirectory(redis, keys).findNewOwner(newSession())).toBeUndefined();
  });

  it('is forgotten when nobody has asked for a day', async () => {
    const session = newSession();
    await new RedisHandoffDirectory(redis, keys).record(session, 'heir');
    const left = async () => Number(await redis.send('PTTL', keys.moved(session)));
    expect(await left()).toBeGreaterThan(DAY_MS - 60_000);
    expect(await left()).toBeLessThanOrEqual(DAY_MS);
    await redis.send('PEXPIRE', keys.moved(session), 60_000);
    expect(await new RedisHandoffDirectory(redis, keys).findNewOwner(session)).toBe('heir');
    expect(await left()).toBeGreaterThan(DAY_MS - 60_000);
  });

  it('cannot be told while Redis is away, which is never the same as nowhere', async () => {
    const [session, heirs] = [newSession(), new RedisHandoffDirectory(redis, keys)];
    await heirs.record(session, 'heir');
    await server.kill('SIGKILL');
    await expect(heirs.findNewOwner(session)).rejects.toBeInstanceOf(RelayFailure);
    await expect(heirs.record(session, 'another')).rejects.toBeInstanceOf(RelayFailure);
    await server.restart();
  });

  it('cannot be told where something else lies', async () => {
    const session = newSession();
    await redis.send('RPUSH', keys.moved(session), 'a list');
    await expect(new RedisHandoffDirectory(redis, keys).findNewOwner(session)).rejects.toBeInstanceOf(RelayFailure);
  });
});
