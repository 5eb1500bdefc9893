/** @waits */
/** An attacker with access to Redis can neither start a call, nor answer for a worker, nor read a client's token. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { FrameCipher } from '#lib/worker-bus/testing';
import { startRedis, type RunningRedis } from '#lib/testing/redis-server';
import { FrameReader, type CapturedFrame } from '../support/bus-frames.js';
import { startCluster, type TestCluster } from '../support/cluster.js';
import { startCountingServer, type CountingServer } from '../support/counting-server.js';
import { Forger, type Forgery } from '../support/forger.js';
import { LegacyClientViaIngress } from '../support/forwarding-clients.js';
import { RedisMonitor } from '../support/redis-monitor.js';
import { until } from '../support/until.js';

let redis: RunningRedis;
let server: CountingServer;
let cluster: TestCluster;
let monitor: RedisMonitor;
let forger: Forger;
let reader: FrameReader;
/** Both have sessions at the first worker; Ada calls through the second one, Bob through the third. */
let [alice, bob]: LegacyClientViaIngress[] = [];
let tokens: readonly string[];

beforeAll(async () => {
  redis = await startRedis();
  monitor = await RedisMonitor.open(redis.port);
  server = await startCountingServer({ era: 'legacy', transport: 'http' });
  cluster = await startCluster({ workers: 3, redis: redis.url, servers: { ref: server.definition } });
  forger = await Forger.open(redis.url, cluster.folder);
  reader = await FrameReader.open(cluster.folder);
  const [owner = '', second = '', third = ''] = cluster.workers.map(({ url }) => `${url}/servers/ref`);
  tokens = await Promise.all(['alice', 'bob'].map((subject) => cluster.token({ subject })));
  const [hers = '', his = ''] = tokens;
  alice = new LegacyClientViaIngress(owner, second, { token: hers });
  bob = new LegacyClientViaIngress(owner, third, { token: his });
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

/** Makes a call that succeeds, and returns its frames: `mark` identifies the call in all of them. */
async function call(client: LegacyClientViaIngress | undefined, mark: string): Promise<CapturedFrame[]> {
  const answer = await client?.request('tools/call', { name: 'echo', arguments: { text: mark, call: mark } });
  expect(answer?.answers).toMatchObject([{ result: { content: [{ text: mark }] } }]);
  await monitor.settled();
  const frames = reader.framesIn(monitor.commands);
  const request = frames.findLast(({ kind, content }) => kind === 'request' && content.includes(mark))?.request;
  return frames.filter((frame) => frame.request === request);
}

async function recorded(): Promise<{ mark: string; request: CapturedFrame; replies: CapturedFrame[] }> {
  const mark = crypto.randomUUID();
  const frames = await call(alice, mark);
  const request = frames.find(({ kind }) => kind === 'request');
  if (!request) throw new Error('No request was seen');
  return { mark, request, replies: frames.filter(({ box }) => box === 'replies') };
}

const freshName = (): string => randomBytes(16).toString('base64url');

/** A recorded request with a fresh request id and a fresh mark. */
async function freshRequest(): Promise<{
  mark: string;
  name: string;
  request: CapturedFrame;
  replacements: [string, string][];
}> {
  const { mark, request } = await recorded();
  const [freshMark, name] = [crypto.randomUUID(), freshName()];
  const replacements: [string, string][] = [
    [request.request, name],
    [mark, freshMark],
  ];
  return { mark: freshMark, name, request, replacements };
}

/**
 * Publishes forged frames, then waits until every subscriber has processed them: a call of each client follows over the
 * same channels. Returns the frames that the forgeries caused, and the commands that name `names`.
 */
async function effectsOf(forgeries: readonly Forgery[], names: readonly string[] = []) {
  await monitor.settled();
  monitor.commands.length = 0;
  for (const forgery of forgeries) await forger.publish(forgery);
  const genuine = [...(await call(alice, crypto.randomUUID())), ...(await call(bob, crypto.randomUUID()))];
  const known = new Set(genuine.map(({ request }) => request));
  const isOurs = ({ bytes }: CapturedFrame) => forgeries.some((forgery) => forgery.bytes.equals(bytes));
  const seen = reader.framesIn(monitor.commands);
  // Workers publish other frames too; the frames that a forgery causes carry its request id.
  const forged = new Set(seen.filter(isOurs).map(({ request }) => request));
  const frames = seen.filter((frame) => forged.has(frame.request) && !known.has(frame.request) && !isOurs(frame));
  const isAbout = (command: readonly string[]) => names.some((name) => command.some((part) => part.includes(name)));
  const commands = monitor.commands.filter((command) => command[0] !== 'publish' && isAbout(command));
  return { frames, commands };
}

const NOTHING = { frames: [], commands: [] };

const flipped = (bytes: Buffer, at: number): Buffer => {
  const copy = Buffer.from(bytes);
  copy[at] = (copy[at] ?? 0) ^ 1;
  return copy;
};

const inboxesOf = (workers: Iterable<string>, like: CapturedFrame): string[] =>
  Array.from(workers, (worker) => like.channel.replace(like.worker, worker));

describe('the frames between workers', () => {
  it('contain nothing that a reader of Redis could use, and reach no worker that they do not concern', async () => {
    const [mine, his] = ['for-alice-only', 'for-bob-only'].map((text) => `${text}-${crypto.randomUUID()}`);
    const hers = await call(alice, mine ?? '');
    const others = await call(bob, his ?? '');
    const progress = { name: 'slow', arguments: { durationMs: 50, steps: 5 }, _meta: { progressToken: 'steps' } };
    await alice?.request('tools/call', progress);
    await until(() => reader.workersIn(monitor.commands).size === 3);
    await monitor.settled();

    const published = monitor.commands.flat().join('\n');
    for (const token of tokens) {
      for (const part of [token, ...token.split('.').slice(1)]) expect(published).not.toContain(part);
    }
    for (const text of [mine, his, 'alice', 'tools/call']) expect(published).not.toContain(text);
    expect(published.toLowerCase()).not.toMatch(/bearer |authorization/);

    const owner = hers.find(({ box }) => box === 'inbox')?.worker;
    const [herDoor, hisDoor] = [hers, others].map((frames) => frames.find(({ box }) => box === 'replies')?.worker);
    expect(new Set([owner, herDoor, hisDoor])).toEqual(reader.workersIn(monitor.commands));
    for (const { box, worker, from } of [...hers, ...others]) expect(box === 'inbox' ? worker : from).toBe(owner);
    for (const { worker, to } of reader.framesIn(monitor.commands)) expect(to).toBe(worker);
    const repliesWith = (text = '') =>
      reader.framesIn(monitor.commands).filter(({ box, content }) => box === 'replies' && content.includes(text));
    expect(new Set(repliesWith(mine).map(({ worker }) => worker))).toEqual(new Set([herDoor]));
    expect(new Set(repliesWith(his).map(({ worker }) => worker))).toEqual(new Set([hisDoor]));
  });
});

describe('a recorded request frame', () => {
  it('has no effect when it is published a second time, on any channel', async () => {
    const { mark, request } = await recorded();
    const channels = inboxesOf(reader.workersIn(monitor.commands), request);
    expect(channels).toHaveLength(3);
    const again = channels.flatMap((channel) => [1, 2, 3].map(() => ({ channel, bytes: request.bytes })));
    expect(await effectsOf(again, [request.request])).toEqual(NOTHING);
    expect(server.arrivals(mark)).toBe(1);
  });

  it('has no effect when it is published as a reply', async () => {
    const { mark, request, replies } = await recorded();
    const [reply] = replies;
    expect(await effectsOf([{ channel: reply?.channel ?? '', bytes: request.bytes }], [request.request])).toEqual(
      NOTHING,
    );
    expect(server.arrivals(mark)).toBe(1);
  });

  it('has no effect with another request id or with any bit changed', async () => {
    const { mark, name, request, replacements } = await freshRequest();
    const renamed = forger.rewritten(request, ...replacements);
    const { length } = renamed.bytes;
    // Every byte of seal and header, and some of the body.
    const places = Array.from({ length: 110 }, (_, at) => at).concat(length >> 1, length - 1);
    const forgeries = [renamed, ...places.map((at) => ({ ...renamed, bytes: flipped(renamed.bytes, at) }))];
    expect(await effectsOf(forgeries, [name])).toEqual(NOTHING);
    expect(server.arrivals(mark)).toBe(0);
  });

  it('has no effect when any bit of the sealed frame is changed', async () => {
    const { mark, name, request, replacements } = await freshRequest();
    const sealed = forger.resealed(request, ...replacements);
    const places = Array.from({ length: 110 }, (_, at) => at).concat(sealed.bytes.length >> 1, sealed.bytes.length - 1);
    const changed = places.map((at) => flipped(sealed.bytes, at));
    const cut = [sealed.bytes.subarray(0, -1), Buffer.concat([sealed.bytes, Buffer.of(0)]), sealed.bytes.subarray(1)];
    const forgeries = [...changed, ...cut].map((bytes) => ({ ...sealed, bytes }));
    expect(await effectsOf(forgeries, [name])).toEqual(NOTHING);
    expect(server.arrivals(mark)).toBe(0);
  });

  it('has no effect with a seal of a foreign key or of another channel', async () => {
    const { mark, name, request, replacements } = await freshRequest();
    const stranger = new FrameCipher(randomBytes(32));
    const { worker, channel } = request;
    const forgeries = [
      { channel, bytes: stranger.seal({ worker, box: 'inbox' }, request.content) },
      forger.resealed({ ...request, box: 'replies' }, ...replacements),
      forger.resealed({ ...request, worker: request.from }, ...replacements),
      // Sealed for the channel of the other worker, but published on this one.
      ...inboxesOf([request.from], request).map((other) => ({
        ...forger.resealed({ ...request, worker: request.from }, ...replacements),
        channel: other,
      })),
    ];
    expect(await effectsOf(forgeries, [name])).toEqual(NOTHING);
    expect(server.arrivals(mark)).toBe(0);
  });
});

describe('a request frame with a valid seal', () => {
  const memberOf = ({ content }: CapturedFrame, pattern: RegExp): string =>
    pattern.exec(content.toString('latin1'))?.[0] ?? '';

  it('runs once, however often it is published', async () => {
    const { mark, name, request, replacements } = await freshRequest();
    const forgery = forger.resealed(request, ...replacements);
    const { frames } = await effectsOf(Array.from({ length: 5 }, () => forgery));
    await server.arrived(mark);
    await effectsOf([forgery]);
    expect(server.arrivals(mark)).toBe(1);
    // The reply goes to the worker that the frame names, which has no such call and reports that.
    const unsolicited = frames.filter(({ kind, worker }) => kind !== 'cancel' && worker !== request.from);
    expect(frames.every((frame) => frame.request === name)).toBe(true);
    expect(unsolicited).toEqual([]);
  });

  it('does not run after its deadline', async () => {
    const { mark, name, request, replacements } = await freshRequest();
    const inTime = memberOf(request, /"notAfter":\d{13}/);
    const late = forger.resealed(request, ...replacements, [inTime, '"notAfter":1000000000000']);
    const { frames, commands } = await effectsOf([late], [name]);
    expect(frames).toEqual([]);
    // The worker tried to claim the call, and the clock of Redis rejected the claim.
    expect(commands).not.toEqual([]);
    expect(server.arrivals(mark)).toBe(0);
  });

  it('does not run when it was published to an earlier generation of Redis', async () => {
    const { mark, request, replacements } = await freshRequest();
    const generation = memberOf(request, /"generation":"[^"]+"/);
    const other = generation.replace(/.{12}"$/, 'AAAAAAAAAAAA"');
    expect((await effectsOf([forger.resealed(request, ...replacements, [generation, other])])).frames).toEqual([]);
    expect(server.arrivals(mark)).toBe(0);
  });
});

describe('a recorded reply frame', () => {
  it('answers no other call: an in-flight call waits for its own reply', async () => {
    const { replies } = await recorded();
    const [mark, key] = [crypto.randomUUID(), crypto.randomUUID()];
    monitor.commands.length = 0;
    const held = alice?.request('tools/call', { name: 'hold', arguments: { key, call: mark } });
    await server.arrived(mark);
    await monitor.settled();
    const request = reader.framesIn(monitor.commands).find(({ content }) => content.includes(mark));
    const end = replies.find(({ kind }) => kind === 'end');
    if (!request || !end) throw new Error('No call was seen');

    const everywhere = [request.worker, request.from, ...reader.workersIn(monitor.commands)];
    const forgeries = [
      ...everywhere.flatMap((worker) =>
        replies.map(({ channel, bytes }) => ({ channel: channel.replace(end.worker, worker), bytes })),
      ),
      forger.rewritten(end, [end.request, request.request]),
      forger.resealed({ ...end, box: 'inbox' }, [end.request, request.request]),
      // The seal is valid, but of a worker that did not receive the call.
      forger.resealed(end, [end.request, request.request], [end.from, end.to.split('').toReversed().join('')]),
    ];
    await effectsOf(forgeries);
    server.server.world.release(key);
    expect((await held)?.answers).toMatchObject([{ result: { content: [{ text: `released ${key}` }] } }]);
    expect(server.arrivals(mark)).toBe(1);
  });
});

describe('malformed frames', () => {
  it('malformed frames affect no worker', async () => {
    const { request, replies } = await recorded();
    const workers = [...reader.workersIn(monitor.commands)];
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
    expect((await effectsOf([...noise, ...texts])).frames).toEqual([]);
  });

  it('every worker still serves calls after all forged frames', async () => {
    for (const { url, output } of cluster.workers) {
      expect((await fetch(`${url}/health/ready`)).status).toBe(200);
      expect(output).not.toMatch(/unhandled|\n\s+at |workers receive the inbox/i);
    }
    expect(server.duplicates()).toEqual([]);
    expect([...(alice?.surplus ?? []), ...(bob?.surplus ?? [])]).toEqual([]);
  });
});
