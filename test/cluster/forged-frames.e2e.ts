/** @waits */
/** Whoever gets at Redis can neither have anything run, nor answer for a worker, nor find a client's token there. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { FrameSeal } from '#lib/worker-bus';
import { startRedis, type RunningRedis } from '#lib/testing/redis-server';
import { framesIn, MAC_BYTES, workersIn, type SeenFrame } from '../support/bus-frames.js';
import { startCluster, type TestCluster } from '../support/cluster.js';
import { startCountingServer, type CountingServer } from '../support/counting-server.js';
import { Forger, type Forgery } from '../support/forger.js';
import { LegacyAtOtherDoor } from '../support/other-door.js';
import { RedisMonitor } from '../support/redis-monitor.js';
import { until } from '../support/until.js';

let redis: RunningRedis;
let server: CountingServer;
let cluster: TestCluster;
let monitor: RedisMonitor;
let forger: Forger;
/** Both have sessions at the first worker; she calls by the second one, he by the third. */
let [alice, bob]: LegacyAtOtherDoor[] = [];
let tokens: readonly string[];

beforeAll(async () => {
  redis = await startRedis();
  monitor = await RedisMonitor.open(redis.port);
  server = await startCountingServer({ era: 'legacy', transport: 'http' });
  cluster = await startCluster({ workers: 3, redis: redis.url, servers: { ref: server.definition } });
  forger = await Forger.open(redis.url, cluster.folder);
  const [owner = '', second = '', third = ''] = cluster.workers.map(({ url }) => `${url}/servers/ref`);
  tokens = await Promise.all(['alice', 'bob'].map((subject) => cluster.token({ subject })));
  const [hers = '', his = ''] = tokens;
  alice = new LegacyAtOtherDoor(owner, second, { token: hers });
  bob = new LegacyAtOtherDoor(owner, third, { token: his });
  await alice.connect();
  await bob.connect();
});

afterAll(async () => {
  await alice?.close();
  await bob?.close();
  forger?.close();
  monitor?.close();
  await cluster?.stop();
  await server?.close();
  await redis?.stop();
});

/** A call that succeeds, and its frames: `mark` tells it from all others wherever it goes. */
async function call(client: LegacyAtOtherDoor | undefined, mark: string): Promise<SeenFrame[]> {
  const answer = await client?.request('tools/call', { name: 'echo', arguments: { text: mark, call: mark } });
  expect(answer?.answers).toMatchObject([{ result: { content: [{ text: mark }] } }]);
  await monitor.settled();
  const frames = framesIn(monitor.commands);
  const request = frames.findLast(({ kind, bytes }) => kind === 'request' && bytes.includes(mark))?.request;
  return frames.filter((frame) => frame.request === request);
}

async function recorded(): Promise<{ mark: string; request: SeenFrame; replies: SeenFrame[] }> {
  const mark = crypto.randomUUID();
  const frames = await call(alice, mark);
  const request = frames.find(({ kind }) => kind === 'request');
  if (!request) throw new Error('No request was seen');
  return { mark, request, replies: frames.filter(({ box }) => box === 'replies') };
}

const freshName = (): string => randomBytes(16).toString('base64url');

/** A request as it was, under a name that nobody has seen, with a mark that nobody has counted. */
async function novel(): Promise<{ mark: string; name: string; request: SeenFrame; news: [string, string][] }> {
  const { mark, request } = await recorded();
  const [freshMark, name] = [crypto.randomUUID(), freshName()];
  const news: [string, string][] = [
    [request.request, name],
    [mark, freshMark],
  ];
  return { mark: freshMark, name, request, news };
}

/**
 * Publishes these, and has everything that hears them show that it is past them: a call of each client goes the same
 * way behind. Returns the frames that came of the forgeries, and the commands that name `names`.
 */
async function comesOf(forgeries: readonly Forgery[], names: readonly string[] = []) {
  await monitor.settled();
  monitor.commands.length = 0;
  for (const forgery of forgeries) await forger.publish(forgery);
  const genuine = [...(await call(alice, crypto.randomUUID())), ...(await call(bob, crypto.randomUUID()))];
  const known = new Set(genuine.map(({ request }) => request));
  const isOurs = ({ bytes }: SeenFrame) => forgeries.some((forgery) => forgery.bytes.equals(bytes));
  const seen = framesIn(monitor.commands);
  // Workers have more to say to each other than this; what a forgery brings about goes by the name in it.
  const forged = new Set(seen.filter(isOurs).map(({ request }) => request));
  const frames = seen.filter((frame) => forged.has(frame.request) && !known.has(frame.request) && !isOurs(frame));
  const isAbout = (command: readonly string[]) => names.some((name) => command.some((part) => part.includes(name)));
  const asked = monitor.commands.filter((command) => command[0] !== 'publish' && isAbout(command));
  return { frames, asked };
}

const NOTHING = { frames: [], asked: [] };

const flipped = (bytes: Buffer, at: number): Buffer => {
  const copy = Buffer.from(bytes);
  copy[at] = (copy[at] ?? 0) ^ 1;
  return copy;
};

const inboxesOf = (workers: Iterable<string>, like: SeenFrame): string[] =>
  Array.from(workers, (worker) => like.channel.replace(like.worker, worker));

describe('what workers say to each other', () => {
  it('holds no token of a client, and nothing goes to a worker that it does not concern', async () => {
    const [mine, his] = ['for-alice-only', 'for-bob-only'].map((text) => `${text}-${crypto.randomUUID()}`);
    const hers = await call(alice, mine ?? '');
    const others = await call(bob, his ?? '');
    const progress = { name: 'slow', arguments: { durationMs: 50, steps: 5 }, _meta: { progressToken: 'steps' } };
    await alice?.request('tools/call', progress);
    await until(() => workersIn(monitor.commands).size === 3);
    await monitor.settled();

    const told = monitor.commands.flat().join('\n');
    for (const token of tokens) {
      for (const part of [token, ...token.split('.').slice(1)]) expect(told).not.toContain(part);
    }
    expect(told.toLowerCase()).not.toMatch(/bearer |authorization/);

    const owner = hers.find(({ box }) => box === 'inbox')?.worker;
    const [herDoor, hisDoor] = [hers, others].map((frames) => frames.find(({ box }) => box === 'replies')?.worker);
    expect(new Set([owner, herDoor, hisDoor])).toEqual(workersIn(monitor.commands));
    for (const { box, worker, from } of [...hers, ...others]) expect(box === 'inbox' ? worker : from).toBe(owner);
    for (const { worker, to } of framesIn(monitor.commands)) expect(to).toBe(worker);
    const repliesWith = (text = '') =>
      framesIn(monitor.commands).filter(({ box, bytes }) => box === 'replies' && bytes.includes(text));
    expect(new Set(repliesWith(mine).map(({ worker }) => worker))).toEqual(new Set([herDoor]));
    expect(new Set(repliesWith(his).map(({ worker }) => worker))).toEqual(new Set([hisDoor]));
  });
});

describe('a request that was recorded', () => {
  it('does nothing the second time, wherever it is published', async () => {
    const { mark, request } = await recorded();
    const channels = inboxesOf(workersIn(monitor.commands), request);
    expect(channels).toHaveLength(3);
    const again = channels.flatMap((channel) => [1, 2, 3].map(() => ({ channel, bytes: request.bytes })));
    expect(await comesOf(again, [request.request])).toEqual(NOTHING);
    expect(server.arrivals(mark)).toBe(1);
  });

  it('does nothing as a reply', async () => {
    const { mark, request, replies } = await recorded();
    const [reply] = replies;
    expect(await comesOf([{ channel: reply?.channel ?? '', bytes: request.bytes }], [request.request])).toEqual(
      NOTHING,
    );
    expect(server.arrivals(mark)).toBe(1);
  });

  it('does nothing under another name, or with any bit changed', async () => {
    const { mark, name, request, news } = await novel();
    const renamed = forger.rewritten(request, ...news);
    const { length } = renamed.bytes;
    // Every byte of seal and header, and some of what is said.
    const places = Array.from({ length: 110 }, (_, at) => at).concat(length >> 1, length - 1);
    const forgeries = [renamed, ...places.map((at) => ({ ...renamed, bytes: flipped(renamed.bytes, at) }))];
    expect(await comesOf(forgeries, [name])).toEqual(NOTHING);
    expect(server.arrivals(mark)).toBe(0);
  });

  it('does nothing when a sealed one is changed in any bit', async () => {
    const { mark, name, request, news } = await novel();
    const sealed = forger.resealed(request, ...news);
    const places = Array.from({ length: 110 }, (_, at) => at).concat(sealed.bytes.length >> 1, sealed.bytes.length - 1);
    const changed = places.map((at) => flipped(sealed.bytes, at));
    const cut = [sealed.bytes.subarray(0, -1), Buffer.concat([sealed.bytes, Buffer.of(0)]), sealed.bytes.subarray(1)];
    const forgeries = [...changed, ...cut].map((bytes) => ({ ...sealed, bytes }));
    expect(await comesOf(forgeries, [name])).toEqual(NOTHING);
    expect(server.arrivals(mark)).toBe(0);
  });

  it('does nothing under the seal of a stranger, or of another address', async () => {
    const { mark, name, request, news } = await novel();
    const { bytes } = forger.resealed(request, ...news);
    const stranger = new FrameSeal(randomBytes(32));
    const { worker, channel } = request;
    const forgeries = [
      { channel, bytes: stranger.seal({ worker, box: 'inbox' }, bytes.subarray(MAC_BYTES)) },
      forger.resealed({ ...request, box: 'replies' }, ...news),
      forger.resealed({ ...request, worker: request.from }, ...news),
      // Sealed for the other worker's channel, but it names this one.
      ...inboxesOf([request.from], request).map((other) => ({
        ...forger.resealed({ ...request, worker: request.from }, ...news),
        channel: other,
      })),
    ];
    expect(await comesOf(forgeries, [name])).toEqual(NOTHING);
    expect(server.arrivals(mark)).toBe(0);
  });
});

describe('a request with a seal of the workers', () => {
  const memberOf = ({ bytes }: SeenFrame, pattern: RegExp): string => pattern.exec(bytes.toString('latin1'))?.[0] ?? '';

  it('runs once, however often it comes', async () => {
    const { mark, name, request, news } = await novel();
    const forgery = forger.resealed(request, ...news);
    const { frames } = await comesOf(Array.from({ length: 5 }, () => forgery));
    await server.arrived(mark);
    await comesOf([forgery]);
    expect(server.arrivals(mark)).toBe(1);
    // What comes of it goes to the worker that it names, which has asked for nothing and says so.
    const unasked = frames.filter(({ kind, worker }) => kind !== 'cancel' && worker !== request.from);
    expect(frames.every((frame) => frame.request === name)).toBe(true);
    expect(unasked).toEqual([]);
  });

  it('does not run when it is late', async () => {
    const { mark, name, request, news } = await novel();
    const inTime = memberOf(request, /"notAfter":\d{13}/);
    const late = forger.resealed(request, ...news, [inTime, '"notAfter":1000000000000']);
    const { frames, asked } = await comesOf([late], [name]);
    expect(frames).toEqual([]);
    // The claim was tried, and lost by the clock of Redis.
    expect(asked).not.toEqual([]);
    expect(server.arrivals(mark)).toBe(0);
  });

  it('does not run when it was sent to a Redis of another life', async () => {
    const { mark, request, news } = await novel();
    const generation = memberOf(request, /"generation":"[^"]+"/);
    const other = generation.replace(/.{12}"$/, 'AAAAAAAAAAAA"');
    expect((await comesOf([forger.resealed(request, ...news, [generation, other])])).frames).toEqual([]);
    expect(server.arrivals(mark)).toBe(0);
  });
});

describe('a reply that was recorded', () => {
  it('answers nothing but what it answered: a call in flight waits for its own', async () => {
    const { replies } = await recorded();
    const [mark, key] = [crypto.randomUUID(), crypto.randomUUID()];
    monitor.commands.length = 0;
    const held = alice?.request('tools/call', { name: 'hold', arguments: { key, call: mark } });
    await server.arrived(mark);
    await monitor.settled();
    const request = framesIn(monitor.commands).find(({ bytes }) => bytes.includes(mark));
    const end = replies.find(({ kind }) => kind === 'end');
    if (!request || !end) throw new Error('No call was seen');

    const everywhere = [request.worker, request.from, ...workersIn(monitor.commands)];
    const forgeries = [
      ...everywhere.flatMap((worker) =>
        replies.map(({ channel, bytes }) => ({ channel: channel.replace(end.worker, worker), bytes })),
      ),
      forger.rewritten(end, [end.request, request.request]),
      forger.resealed({ ...end, box: 'inbox' }, [end.request, request.request]),
      // Sealed well, but by a worker that was not asked.
      forger.resealed(end, [end.request, request.request], [end.from, end.to.split('').toReversed().join('')]),
    ];
    await comesOf(forgeries);
    server.server.world.release(key);
    expect((await held)?.answers).toMatchObject([{ result: { content: [{ text: `released ${key}` }] } }]);
    expect(server.arrivals(mark)).toBe(1);
  });
});

describe('noise', () => {
  it('disturbs nobody', async () => {
    const { request, replies } = await recorded();
    const workers = [...workersIn(monitor.commands)];
    const [reply] = replies;
    const channels = [...inboxesOf(workers, request), ...(reply ? inboxesOf(workers, reply) : [])];
    const sizes = [0, 1, 15, 16, 17, 24, 25, 26, 100, 65_536, 70_000];
    const noise = channels.flatMap((channel) => sizes.map((size) => ({ channel, bytes: randomBytes(size) })));
    const texts = channels.flatMap((channel) =>
      ['{}', '{"pattern":"session.call","data":{}}', '\u0000'.repeat(64)].map((text) => ({
        channel,
        bytes: Buffer.from(text),
      })),
    );
    expect((await comesOf([...noise, ...texts])).frames).toEqual([]);
  });

  it('and all of the above left every worker as it was', async () => {
    for (const { url, output } of cluster.workers) {
      expect((await fetch(`${url}/health/ready`)).status).toBe(200);
      expect(output).not.toMatch(/unhandled|\n\s+at |share an inbox/i);
    }
    expect(server.duplicates()).toEqual([]);
    expect([...(alice?.surplus ?? []), ...(bob?.surplus ?? [])]).toEqual([]);
  });
});
