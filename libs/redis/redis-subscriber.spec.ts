/** @waits */
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { Redis } from 'ioredis';
import { startRedis, type RunningRedis } from '#lib/testing/redis-server';
import { OutageLog } from './outage-log.js';
import { RedisSubscriber } from './redis-subscriber.js';

let redis: RunningRedis;

beforeAll(async () => {
  Logger.overrideLogger(false);
  redis = await startRedis();
});

afterAll(() => redis.stop());

it('RedisSubscriber abandons a connection that neither succeeds nor fails, and subscribes over the next', async () => {
  const subscribed = Promise.withResolvers<void>();
  const links: Redis[] = [];
  const open = () => {
    const link = new Redis(redis.url, { lazyConnect: true, retryStrategy: () => null, disconnectTimeout: 100 });
    // A fail-over during the connection attempt has this effect.
    if (links.length === 0) link.connect = () => new Promise(() => undefined);
    links.push(link);
    return link;
  };
  const subscription = {
    channels: ['channel'],
    onFrame: () => undefined,
    onSubscribed: subscribed.resolve,
    onLost: () => undefined,
  };
  const servers = { seeds: [{ host: '127.0.0.1', port: redis.port }], isSharded: false, open };
  const subscriber = new RedisSubscriber(subscription, servers, new OutageLog('Redis', []));
  await expect(subscriber.start()).rejects.toThrow('Connecting to Redis timed out.');
  await subscribed.promise;
  expect([subscriber.isSubscribed, links.length]).toEqual([true, 2]);
  subscriber.close();
});
