import { randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { result } from '#lib/mcp-protocol';
import { RedisConnections, RedisKeys, type RedisCommands } from '#lib/redis';
import { startRedis, type RunningRedis } from '#lib/testing/redis-server';
import { TextCipher } from '#lib/sealing';
import { SystemClock } from '#lib/time';
import { RecordingSink } from '../../test/support/recording-sink.js';
import { until } from '../../test/support/until.js';
import type { ArchivedEvent } from './event-archive.js';
import { RedisEventArchive, type ArchiveLimits } from './redis-event-archive.js';
import { replayOrphanedStream } from './replay-orphaned-stream.js';
import { createSession, notificationEvent } from './session-pool-fixture.js';

const BOUNDS = { replayEvents: 100, replayBytes: 100_000, sessionIdleMs: 60_000 };
const keys = new RedisKeys('spec:');
const secret = randomBytes(32);
const labelOf = (session: string) => `session-pool events 3 ${session}`;

let server: RunningRedis;
let connections: RedisConnections;
let redis: RedisCommands;
let sessions = 0;

function connect(): RedisCommands {
  return connections.openCommands();
}

const archiveOf = (bounds: Partial<ArchiveLimits> = {}, commands = redis) =>
  new RedisEventArchive(commands, keys, { ...BOUNDS, ...bounds }, secret, new SystemClock());

const newSession = () => `stored-${(sessions += 1)}`;

const event = (sequence: number, json = '{"kind":"opened"}'): ArchivedEvent => ({ stream: 1, sequence, json });

beforeAll(async () => {
  Logger.overrideLogger(false);
  server = await startRedis();
});

afterAll(() => server.stop());

beforeEach(async () => {
  connections = new RedisConnections(
    { kind: 'single', address: { host: '127.0.0.1', port: server.port } },
    { database: 0 },
  );
  redis = connect();
  await until(() => redis.isReady);
});

afterEach(() => connections.close());

describe('events in Redis', () => {
  it('returns the stored events of a session to any worker, unchanged and in order', async () => {
    const [session, another] = [newSession(), newSession()];
    const events: ArchivedEvent[] = [
      event(0),
      { stream: 2, sequence: 0, json: '{"text":"line\\nand line, ünï"}', call: { requestId: 'a\n"b', method: 'x/y' } },
      { stream: 2, sequence: 1, json: '{}', call: { requestId: 7, method: 'x/y' } },
    ];
    const archive = archiveOf();
    for (const one of events) await archive.append(session, one);
    await archive.append(another, event(9));
    const elsewhere = connect();
    await until(() => elsewhere.isReady);
    expect(await archiveOf({}, elsewhere).read(session)).toEqual(events);
  });

  it('deletes the events of a session', async () => {
    const session = newSession();
    const archive = archiveOf();
    await archive.append(session, event(0));
    await archive.delete(session);
    expect(await archive.read(session)).toEqual([]);
    expect(await redis.send('EXISTS', keys.events(session))).toBe(0);
  });

  it('evicts the oldest events beyond the event limit', async () => {
    const session = newSession();
    const archive = archiveOf({ replayEvents: 3 });
    for (let sequence = 0; sequence < 10; sequence += 1) await archive.append(session, event(sequence));
    expect((await archive.read(session)).map(({ sequence }) => sequence)).toEqual([7, 8, 9]);
  });

  it('evicts the oldest events beyond the byte limit, but never the newest event', async () => {
    const session = newSession();
    const archive = archiveOf({ replayBytes: 1_000 });
    for (let sequence = 0; sequence < 50; sequence += 1)
      await archive.append(session, event(sequence, 'x'.repeat(100)));
    const stored = await archive.read(session);
    expect(stored.at(-1)?.sequence).toBe(49);
    expect(stored.length).toBeGreaterThan(5);
    expect(stored.length).toBeLessThan(11);
    const large = event(50, 'y'.repeat(5_000));
    await archive.append(session, large);
    expect(await archive.read(session)).toEqual([large]);
    await archive.append(session, event(51));
    expect((await archive.read(session)).map(({ sequence }) => sequence)).toEqual([51]);
  });

  it('expires the events of a session after its idle time', async () => {
    const session = newSession();
    await archiveOf({ sessionIdleMs: 5_000 }).append(session, event(0));
    await archiveOf({ sessionIdleMs: 60_000 }).append(session, event(1));
    const left = Number(await redis.send('PTTL', keys.events(session)));
    expect(left).toBeGreaterThan(5_000);
    expect(left).toBeLessThanOrEqual(60_000);
  });

  it('appends events after Redis has lost its scripts', async () => {
    const session = newSession();
    const archive = archiveOf();
    await archive.append(session, event(0));
    await redis.send('SCRIPT', 'FLUSH');
    await archive.append(session, event(1));
    expect(await archive.read(session)).toHaveLength(2);
  });

  it.each(['', 'x', '{}\n{}', '[1]\n{}', '[1,2,3]\n{}', '[1,2,null,"x"]\n{}', '[1,"2"]\n{}'])(
    'ignores the malformed stored event %j',
    async (malformed) => {
      const session = newSession();
      const archive = archiveOf();
      await archive.append(session, event(0));
      await redis.send(
        'HSET',
        keys.events(session),
        0,
        new TextCipher(secret, labelOf(session)).encrypt(malformed, session),
      );
      await archive.append(session, event(1));
      expect(await archive.read(session)).toEqual([event(1)]);
    },
  );

  it('ignores forged events and events copied from another session', async () => {
    const [session, another] = [newSession(), newSession()];
    const archive = archiveOf();
    await archive.append(session, event(0));
    await archive.append(another, event(0));
    const copied = String(await redis.send('HGET', keys.events(another), 0));
    const own = String(await redis.send('HGET', keys.events(session), 0));
    const foreign = new TextCipher(randomBytes(32), labelOf(session)).encrypt(`[1,0]\n${event(0).json}`, session);
    for (const forged of [copied, own.slice(22), `${own}=`, foreign, `${own} `, `A${own}`, '']) {
      await redis.send('HSET', keys.events(session), 0, forged);
      expect(await archive.read(session)).toEqual([]);
    }
    await redis.send('HSET', keys.events(session), 0, own);
    expect(await archive.read(session)).toEqual([event(0)]);
  });
});

describe('the stored form of an event', () => {
  it('hides the event, and is bound to its session', async () => {
    const session = newSession();
    const answer = {
      stream: 1,
      sequence: 0,
      json: '{"secret":"marked text"}',
      call: { requestId: 'mine', method: 'tools/call' },
    };
    await archiveOf().append(session, answer);
    const stored = String(await redis.send('HGET', keys.events(session), 0));
    const decoded = Buffer.from(stored, 'base64url').toString('latin1');
    for (const mark of ['secret', 'marked', 'mine', 'tools']) {
      expect([stored.includes(mark), decoded.includes(mark)]).toEqual([false, false]);
    }
    expect(await archiveOf().read(session)).toEqual([answer]);
  });
});

describe('the archive when Redis fails', () => {
  it('fails appends immediately after a Redis failure, and appends again once Redis has recovered', async () => {
    const session = newSession();
    const archive = archiveOf();
    await archive.append(session, event(0));
    await server.kill('SIGSTOP');
    try {
      await expect(archive.append(session, event(1))).rejects.toMatchObject({ name: 'RedisFault' });
      await expect(archive.append(session, event(2))).rejects.toThrow('failed recently');
    } finally {
      await server.kill('SIGCONT');
    }
    let sequence = 3;
    const works = () =>
      archive.append(session, event((sequence += 1))).then(
        () => true,
        () => false,
      );
    await until(works);
    expect((await archive.read(session)).at(-1)?.sequence).toBe(sequence);
  });
});

describe('a session whose worker is dead', () => {
  it('replays the streams of a dead worker at another worker, including the lost answer', async () => {
    const session = createSession({}, {}, archiveOf());
    const sink = new RecordingSink();
    const [open, answered] = [1, 2].map((id) => session.beginCall(id, 'tools/call', sink));
    await open?.stream?.emit(notificationEvent('one'));
    await answered?.stream?.emit(notificationEvent('other'));
    const done = await answered?.finish(result({ content: [] }));
    expect(done?.eventId).toBe('2-2');
    const elsewhere = connect();
    await until(() => elsewhere.isReady);
    const archive = archiveOf({}, elsewhere);
    expect(await replayOrphanedStream(archive, session.id, '1-0')).toMatchObject({
      events: [
        { notification: { method: 'one' }, eventId: '1-1' },
        { kind: 'answer', id: 1, outcome: { error: { code: -31002, data: { outcome: 'unknown', retriable: false } } } },
      ],
      openCall: { requestId: 1 },
    });
    expect(await replayOrphanedStream(archive, session.id, '2-1')).toMatchObject({
      events: [{ kind: 'answer', id: 2, outcome: { kind: 'result' }, eventId: '2-2' }],
    });
    session.end();
    await until(async () => (await archive.read(session.id)).length === 0);
    expect(await replayOrphanedStream(archive, session.id, '1-0')).toBeUndefined();
  });
});
