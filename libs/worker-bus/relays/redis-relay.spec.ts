import { startRedis } from '#lib/testing/redis-server';
import { relayContract } from './relay-contract-fixture.js';
import { RedisWorld } from './redis-world-fixture.js';

relayContract('one Redis', async () => RedisWorld.around(await startRedis()));

relayContract('a Redis with a password, under another prefix', async () =>
  RedisWorld.around(await startRedis({ settings: { requirepass: 'secret' } }), {
    access: { password: 'secret' },
    prefix: 'other:',
  }),
);
