/** @waits */
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { startRedis, type RunningRedis } from '#lib/testing/redis-server';
import { EventReader } from '../support/event-reader.js';
import { MixedTraffic } from '../support/mixed-traffic.js';
import { RedisMonitor } from '../support/redis-monitor.js';
import { sendRedisCommand } from '../support/redis-commands.js';
import { nextMessage } from '../support/roaming-client.js';
import { startWiredCluster, type WiredCluster } from '../support/wired-cluster.js';

/** The credential that the gateway sends to the server with each request. */
const SERVER_KEY = 'a-key-that-only-the-server-and-its-gateway-know';
/** Written by the test itself. */
const PROOF = 'a-text-that-is-not-secret';
const WATCHED = 'test://watched-resource';

let redis: RunningRedis;
let monitor: RedisMonitor;
let world: WiredCluster;

beforeEach(async () => {
  redis = await startRedis();
  monitor = await RedisMonitor.open(redis.port);
  const env = { ISTHMUS_REDIS_URL: redis.url };
  world = await startWiredCluster({ workers: [env, env], headers: { authorization: `Bearer ${SERVER_KEY}` } });
});

afterEach(async () => {
  monitor.close();
  await world.close();
  await redis.stop();
});

/** The command that reads the whole value of each type of key. */
const READERS: Readonly<Record<string, readonly [command: string, ...args: string[]]>> = {
  string: ['GET'],
  hash: ['HGETALL'],
  zset: ['ZRANGE', '0', '-1'],
  set: ['SMEMBERS'],
  list: ['LRANGE', '0', '-1'],
};

/** Names and values of all keys in Redis. */
async function dumpRedis(): Promise<string[]> {
  const texts: string[] = [];
  for (const key of (await sendRedisCommand(redis, 'KEYS', '*')) as string[]) {
    const [command, ...args] = READERS[String(await sendRedisCommand(redis, 'TYPE', key))] ?? ['GET'];
    texts.push(key, JSON.stringify(await sendRedisCommand(redis, command, key, ...args)));
  }
  return texts;
}

it('Redis stores and publishes no secret, argument, result or claim in a readable form', async () => {
  const { owner, other } = world;
  const traffic = await MixedTraffic.start(world);
  const client = await world.initialize(owner);
  await client.request(other, 'resources/subscribe', { uri: WATCHED });
  const stream = new EventReader(await client.stream(other));
  await client.callAndRead(other, 'touch', 'touch_resource', {});
  await nextMessage(stream);
  await traffic.served();
  await traffic.stop();
  await sendRedisCommand(redis, 'SET', 'proof', PROOF);
  const beforeLeave = await dumpRedis();
  // The handoff moves the session and the ids of its upstream sessions to another worker.
  owner.kill('SIGTERM');
  expect(await owner.ended).toBe(0);
  expect(await client.callAndRead(other, 'at the new owner')).toMatchObject({ status: 200 });
  await monitor.settled();

  const texts = [...monitor.commands.map((words) => words.join(' ')), ...beforeLeave, ...(await dumpRedis())];
  // Proves that the search sees what is published and stored.
  for (const word of [PROOF, 'inbox:', 'events:']) expect(texts.some((text) => text.includes(word))).toBe(true);
  expect(world.legacy.sessions.size).toBeGreaterThan(1);
  const [header, claims, signature = ''] = world.token.split('.');
  const secrets = [signature, `${header}.${claims}`, SERVER_KEY, ...world.legacy.sessions];
  const wordsOf = (secret: string) => [secret, Buffer.from(secret).toString('base64url').slice(0, -2)];
  const leaks = secrets.filter((secret) => wordsOf(secret).some((word) => texts.some((text) => text.includes(word))));
  expect(leaks).toEqual([]);
  // Neither arguments and results, nor the methods and names of calls, nor the claims of the caller.
  const marks = [
    'forwarded 1',
    'at the new owner',
    'touch_resource',
    WATCHED,
    'tools/call',
    'notifications/',
    '"subject"',
  ];
  expect(marks.filter((mark) => wordsOf(mark).some((word) => texts.some((text) => text.includes(word))))).toEqual([]);
  expect(texts.filter((text) => /authorization|bearer/i.test(text))).toEqual([]);
  expect(world.unexpectedOutput()).toEqual([]);
});
