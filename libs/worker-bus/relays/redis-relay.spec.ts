/** @waits */
import { createCertificates, freePort, startRedis, startRedisCluster, startSentinels } from '#lib/testing/redis-server';
import { relayContract } from './relay-contract-fixture.js';
import { LOCAL, RedisWorld } from './redis-world-fixture.js';

relayContract('one Redis', async () => RedisWorld.owning(await startRedis()));

relayContract('a Redis with a password, under another prefix', async () =>
  RedisWorld.owning(await startRedis({ settings: { requirepass: 'secret' } }), {
    access: { password: 'secret' },
    prefix: 'other:',
  }),
);

relayContract('a Redis with TLS and users', async () => {
  const certificates = await createCertificates();
  const port = await freePort();
  const redis = await startRedis({
    port,
    settings: {
      ...certificates.settingsFor(port),
      user: 'me on >secret ~isthmus:* &isthmus:* +@connection +@pubsub +@scripting +@read +@write +info +time +cluster',
    },
  });
  return RedisWorld.owning(redis, {
    access: { username: 'me', password: 'secret', tls: { ca: certificates.ca } },
    servers: [redis, { stop: () => certificates.remove() }],
  });
});

relayContract('a cluster', async () => {
  const cluster = await startRedisCluster();
  const nodes = cluster.masters.map(({ port }) => ({ host: LOCAL, port }));
  return new RedisWorld({ kind: 'cluster', nodes }, { servers: [cluster] });
});

relayContract('a master behind Sentinels', async () => {
  const { sentinels, name, stop } = await startSentinels();
  const addresses = sentinels.map(({ port }) => ({ host: LOCAL, port }));
  return new RedisWorld({ kind: 'sentinel', sentinels: addresses, master: name }, { servers: [{ stop }] });
});
