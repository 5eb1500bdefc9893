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

describe('Coordination', () => {
  it('has no connection without a configured Redis', () => {
    const coordination = new Coordination(settings());
    expect(coordination.redis).toBeUndefined();
    coordination.onApplicationShutdown();
  });

  it('connects to the configured Redis and uses its key prefix', async () => {
    const { redis, ...rest } = new Coordination(settings({ url: server.url, keyPrefix: 'mine:' }));
    if (!redis) throw new Error('The configured Redis is missing.');
    await until(() => redis.commands.isReady);
    expect(await redis.commands.send('PING')).toBe('PONG');
    expect(redis.keys.handoff('id')).toBe('mine:moved:{id}');
    expect(rest).toEqual({});
    redis.connections.close();
  });

  it('does not wait for an unreachable Redis: commands fail at once', async () => {
    const address = `redis://127.0.0.1:${await freePort()}`;
    const coordination = new Coordination(settings({ url: address }));
    await expect(coordination.redis?.commands.send('PING')).rejects.toMatchObject({ attempted: false });
    coordination.onApplicationShutdown();
  });

  it('closes every connection when the application has shut down, and not before', async () => {
    const module = await Test.createTestingModule({ imports: [CoordinationModule] })
      .overrideProvider(RedisConfig)
      .useValue(settings({ url: server.url }))
      .compile();
    await module.init();
    const { redis } = module.get(Coordination);
    if (!redis) throw new Error('The configured Redis is missing.');
    await until(() => redis.commands.isReady);
    const further = redis.connections.openCommands();
    await until(() => further.isReady);
    await module.close();
    for (const commands of [redis.commands, further]) {
      await expect(commands.send('PING')).rejects.toMatchObject({ attempted: false });
    }
  });
});
