import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { RedisConfig } from '#lib/redis';
import { freePort, startRedis, type RunningRedis } from '#lib/testing/redis-server';
import { until } from '../../test/support/until.js';
import { Coordination } from './coordination.js';
import { CoordinationModule } from './coordination.module.js';

const settings = (some: Partial<RedisConfig> = {}): RedisConfig => Object.assign(new RedisConfig(), some);

let server: RunningRedis;

beforeAll(async () => {
  Logger.overrideLogger(false);
  server = await startRedis();
});

afterAll(async () => {
  await server.stop();
  Logger.overrideLogger(['fatal', 'error', 'warn', 'log']);
});

describe('what the workers of an installation share', () => {
  it('is nothing without a Redis', () => {
    const alone = new Coordination(settings());
    expect(alone.redis).toBeUndefined();
    alone.onApplicationShutdown();
  });

  it('is the Redis of the settings, under their prefix', async () => {
    const { redis, ...rest } = new Coordination(settings({ url: server.url, keyPrefix: 'mine:' }));
    if (!redis) throw new Error('There is a Redis.');
    await until(() => redis.commands.isReady);
    expect(await redis.commands.send('PING')).toBe('PONG');
    expect(redis.keys.moved('id')).toBe('mine:moved:{id}');
    expect(rest).toEqual({});
    redis.connections.close();
  });

  it('is waited for by nobody: while it cannot be reached, whoever asks is told so at once', async () => {
    const address = `redis://127.0.0.1:${await freePort()}`;
    const coordination = new Coordination(settings({ url: address }));
    await expect(coordination.redis?.commands.send('PING')).rejects.toMatchObject({ attempted: false });
    coordination.onApplicationShutdown();
  });

  it('is let go of when the application has shut down, and not before', async () => {
    const module = await Test.createTestingModule({ imports: [CoordinationModule] })
      .overrideProvider(RedisConfig)
      .useValue(settings({ url: server.url }))
      .compile();
    await module.init();
    const { redis } = module.get(Coordination);
    if (!redis) throw new Error('There is a Redis.');
    await until(() => redis.commands.isReady);
    const another = redis.connections.openCommands();
    await until(() => another.isReady);
    await module.close();
    for (const commands of [redis.commands, another]) {
      await expect(commands.send('PING')).rejects.toMatchObject({ attempted: false });
    }
  });
});
