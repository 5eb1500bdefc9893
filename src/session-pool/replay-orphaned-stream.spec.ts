import { beforeEach, describe, expect, it } from '@jest/globals';
import { result } from '#lib/mcp-protocol';
import { RecordingSink } from '../../test/support/recording-sink.js';
import { NullEventArchive } from './event-archive.js';
import { replayOrphanedStream } from './replay-orphaned-stream.js';
import { FakeArchive } from './session-archive-fixture.js';
import { createSession, notificationEvent } from './session-pool-fixture.js';
import type { Session } from './session.js';

const DONE = result({ content: [] });
const UNKNOWN = { code: -31002, data: { outcome: 'unknown', retriable: false } };

let archive: FakeArchive;
let session: Session;

beforeEach(() => {
  archive = new FakeArchive();
  session = createSession({}, {}, archive);
});

/** A call that has said two things; sequence 0 is the opening. */
async function openCall() {
  const call = session.beginCall('x', 'tools/call', new RecordingSink());
  await call.stream?.emit(notificationEvent('one'));
  await call.stream?.emit(notificationEvent('two'));
  return call;
}

const after = (eventId: string) => replayOrphanedStream(archive, session.id, eventId);

describe('a client that comes back when the worker of its session is gone', () => {
  it('hears what it missed, and that nobody knows what became of its call', async () => {
    await openCall();
    expect(await after('1-0')).toMatchObject({
      events: [
        { notification: { method: 'one' }, eventId: '1-1' },
        { notification: { method: 'two' }, eventId: '1-2' },
        { kind: 'answer', id: 'x', method: 'tools/call', outcome: { kind: 'error', httpStatus: 504, error: UNKNOWN } },
      ],
      openCall: { requestId: 'x', method: 'tools/call' },
    });
  });

  it('hears of its open call even when it missed nothing before', async () => {
    await openCall();
    expect(await after('1-2')).toMatchObject({ events: [{ kind: 'answer', id: 'x' }], openCall: { requestId: 'x' } });
  });

  it('hears the answer itself where it was stored, and nothing of any other call', async () => {
    const call = await openCall();
    await (await openCall()).finish(DONE);
    await call.finish(DONE);
    const replay = await after('1-2');
    expect(replay).toEqual({
      events: [{ kind: 'answer', id: 'x', method: 'tools/call', outcome: DONE, eventId: '1-3' }],
    });
    expect(await after('1-3')).toEqual({ events: [] });
  });

  it('hears what servers said by themselves; nothing is owed there', async () => {
    session.openStandingStream(new RecordingSink());
    session.notify({ method: 'notifications/a', params: {} });
    await Promise.resolve();
    expect(await after('1-0')).toMatchObject({ events: [{ eventId: '1-1' }] });
    expect(await after('1-1')).toEqual({ events: [] });
  });

  it('is never told with a gap', async () => {
    const call = await openCall();
    archive.isDown = true;
    await call.stream?.emit(notificationEvent('lost'));
    archive.isDown = false;
    await call.stream?.emit(notificationEvent('four'));
    expect(await after('1-1')).toBeUndefined();
    expect(await after('1-2')).toBeUndefined();
    expect(await after('1-3')).toMatchObject({ events: [{ eventId: '1-4' }, { kind: 'answer' }] });
    expect(await after('1-4')).toMatchObject({ events: [{ kind: 'answer' }] });
  });

  it('is told nothing of what was stored too long ago, or never', async () => {
    await openCall();
    archive.stored.set(session.id, archive.stored.get(session.id)?.slice(2) ?? []);
    expect(await after('1-0')).toBeUndefined();
    expect(await after('1-1')).toMatchObject({ events: [{ eventId: '1-2' }, { kind: 'answer', id: 'x' }] });
    for (const eventId of ['1-7', '9-0', '', 'x']) expect(await after(eventId)).toBeUndefined();
    expect(await replayOrphanedStream(archive, 'another session', '1-0')).toBeUndefined();
    expect(await replayOrphanedStream(new NullEventArchive(), session.id, '1-0')).toBeUndefined();
  });

  it('is not told that nothing is stored when nobody can say', async () => {
    archive.read = () => Promise.reject(new Error('The archive is down.'));
    await expect(after('1-0')).rejects.toThrow('The archive is down.');
  });
});
