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

/** An open call with two notifications; sequence 0 is the opened event. */
async function openCall() {
  const call = session.beginCall('x', 'tools/call', new RecordingSink());
  await call.stream?.emit(notificationEvent('one'));
  await call.stream?.emit(notificationEvent('two'));
  return call;
}

const replayAfter = (eventId: string) => replayOrphanedStream(archive, session.id, eventId);

describe('a client that resumes after the owner of its session has died', () => {
  it('receives the missed events and an unknown outcome for its open call', async () => {
    await openCall();
    expect(await replayAfter('1-0')).toMatchObject({
      events: [
        { notification: { method: 'one' }, eventId: '1-1' },
        { notification: { method: 'two' }, eventId: '1-2' },
        { kind: 'answer', id: 'x', method: 'tools/call', outcome: { kind: 'error', httpStatus: 504, error: UNKNOWN } },
      ],
      openCall: { requestId: 'x', method: 'tools/call' },
    });
  });

  it('receives the unknown outcome of its open call even if it missed no event', async () => {
    await openCall();
    expect(await replayAfter('1-2')).toMatchObject({
      events: [{ kind: 'answer', id: 'x' }],
      openCall: { requestId: 'x' },
    });
  });

  it('receives the stored answer of its call, and no event of another call', async () => {
    const call = await openCall();
    await (await openCall()).finish(DONE);
    await call.finish(DONE);
    const replay = await replayAfter('1-2');
    expect(replay).toEqual({
      events: [{ kind: 'answer', id: 'x', method: 'tools/call', outcome: DONE, eventId: '1-3' }],
    });
    expect(await replayAfter('1-3')).toEqual({ events: [] });
  });

  it('receives the missed events of the server stream, without an unknown outcome', async () => {
    session.openServerStream(new RecordingSink());
    session.notify({ method: 'notifications/a', params: {} });
    await Promise.resolve();
    expect(await replayAfter('1-0')).toMatchObject({ events: [{ eventId: '1-1' }] });
    expect(await replayAfter('1-1')).toEqual({ events: [] });
  });

  it('receives no replay that would have a gap', async () => {
    const call = await openCall();
    archive.isDown = true;
    await call.stream?.emit(notificationEvent('lost'));
    archive.isDown = false;
    await call.stream?.emit(notificationEvent('four'));
    expect(await replayAfter('1-1')).toBeUndefined();
    expect(await replayAfter('1-2')).toBeUndefined();
    expect(await replayAfter('1-3')).toMatchObject({ events: [{ eventId: '1-4' }, { kind: 'answer' }] });
    expect(await replayAfter('1-4')).toMatchObject({ events: [{ kind: 'answer' }] });
  });

  it('receives no replay of evicted or unknown events', async () => {
    await openCall();
    archive.stored.set(session.id, archive.stored.get(session.id)?.slice(2) ?? []);
    expect(await replayAfter('1-0')).toBeUndefined();
    expect(await replayAfter('1-1')).toMatchObject({ events: [{ eventId: '1-2' }, { kind: 'answer', id: 'x' }] });
    for (const eventId of ['1-7', '9-0', '', 'x']) expect(await replayAfter(eventId)).toBeUndefined();
    expect(await replayOrphanedStream(archive, 'another session', '1-0')).toBeUndefined();
    expect(await replayOrphanedStream(new NullEventArchive(), session.id, '1-0')).toBeUndefined();
  });

  it('receives the failure of an archive that cannot be read, not an empty replay', async () => {
    archive.read = () => Promise.reject(new Error('The archive is down.'));
    await expect(replayAfter('1-0')).rejects.toThrow('The archive is down.');
  });
});
