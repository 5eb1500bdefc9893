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

describe('RedisHandoffDirectory', () => {
  it('shares a recorded handoff with every worker of the installation, and with no other installation', async () => {
    const session = newSession();
    await new RedisHandoffDirectory(redis, keys).record(session, 'new owner');
    const another = await connect();
    expect(await new RedisHandoffDirectory(another, keys).findNewOwner(session)).toBe('new owner');
    expect(await new RedisHandoffDirectory(another, new RedisKeys('other:')).findNewOwner(session)).toBeUndefined();
  });

  it('returns the latest new owner of a session that was handed off several times', async () => {
    const [session, directory] = [newSession(), new RedisHandoffDirectory(redis, keys)];
    await directory.record(session, 'new owner');
    await directory.record(session, 'second owner');
    expect(await directory.findNewOwner(session)).toBe('second owner');
  });

  it('returns undefined for a session that was never handed off', async () => {
    expect(await new RedisHandoffDirectory(redis, keys).findNewOwner(newSession())).toBeUndefined();
  });

  it('expires an entry after a day without a look-up', async () => {
    const session = newSession();
    await new RedisHandoffDirectory(redis, keys).record(session, 'new owner');
    const left = async () => Number(await redis.send('PTTL', keys.handoff(session)));
    expect(await left()).toBeGreaterThan(DAY_MS - 60_000);
    expect(await left()).toBeLessThanOrEqual(DAY_MS);
    await redis.send('PEXPIRE', keys.handoff(session), 60_000);
    expect(await new RedisHandoffDirectory(redis, keys).findNewOwner(session)).toBe('new owner');
    expect(await left()).toBeGreaterThan(DAY_MS - 60_000);
  });

  it('rejects while Redis is unavailable, instead of reporting no handoff', async () => {
    const [session, directory] = [newSession(), new RedisHandoffDirectory(redis, keys)];
    await directory.record(session, 'new owner');
    await server.kill('SIGKILL');
    await expect(directory.findNewOwner(session)).rejects.toBeInstanceOf(RelayFailure);
    await expect(directory.record(session, 'another')).rejects.toBeInstanceOf(RelayFailure);
    await server.restart();
  });

  it('rejects when the Redis key holds another type', async () => {
    const session = newSession();
    await redis.send('RPUSH', keys.handoff(session), 'a list');
    await expect(new RedisHandoffDirectory(redis, keys).findNewOwner(session)).rejects.toBeInstanceOf(RelayFailure);
  });
});
