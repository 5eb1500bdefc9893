import { afterEach, describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { parseJson, result, type JsonObject, type JsonValue } from '#lib/mcp-protocol';
import { LEGACY_CLIENT, callerOf } from '../../test/support/fake-upstream.js';
import { RecordingSink } from '../../test/support/recording-sink.js';
import { FakeArchive } from './session-archive-fixture.js';
import { limits, notificationEvent, sessionStart } from './session-pool-fixture.js';
import { SessionPool } from './session-pool.js';
import type { SessionPoolConfig } from './session-pool.config.js';
import { readSessionRecord, type SessionRecord } from './session-record.js';
import type { SessionStart } from './session.js';

const DONE = result({ content: [] });
const pools: SessionPool[] = [];

function workers(settings: Partial<SessionPoolConfig> = {}, archive?: FakeArchive) {
  const [owner, heir] = [0, 1].map(() => new SessionPool(limits(settings), archive));
  if (!owner || !heir) throw new Error('Both workers exist.');
  pools.push(owner, heir);
  return { owner, heir };
}

afterEach(() => {
  for (const pool of pools.splice(0)) pool.onApplicationShutdown();
});

/** Serializes and parses a record, as if it had travelled to another worker. */
function travelled(record: SessionRecord | undefined): SessionRecord {
  const read = readSessionRecord(parseJson(JSON.stringify(record)));
  if (!read) throw new Error('The record is invalid.');
  return read;
}

const said_ = (n: number) => ({ method: 'notifications/x', params: { n } });

describe('a handed-off session', () => {
  it('restores a handed-off session at its new owner with the same client and properties', () => {
    const { owner, heir } = workers();
    const caller = { ...callerOf('me'), roles: ['user'], scopes: ['mcp'], claims: { team: 'a' } };
    const client = { ...LEGACY_CLIENT, capabilities: { roots: {} }, clientInfo: { name: 'c', version: '1' } };
    const session = owner.open(sessionStart({ caller, client, endpoint: 'a' }));
    session.logLevel = 'warning';
    const adopted = heir.restore(travelled(owner.handOff(session.id, 'heir')));
    expect(heir.find(session.id)).toBe(adopted);
    expect(adopted.start).toEqual(session.start);
    expect([adopted.client, adopted.logLevel]).toEqual([client, 'warning']);
  });

  it('ends a handed-off session at its previous owner, which remembers the new owner', () => {
    const { owner } = workers();
    const session = owner.open(sessionStart());
    const sink = new RecordingSink();
    session.openStandingStream(sink);
    let ends = 0;
    session.onEnd(() => (ends += 1));
    expect(owner.handOff(session.id, 'heir')?.id).toBe(session.id);
    expect(owner.find(session.id)).toBeUndefined();
    expect(owner.findNewOwner(session.id)).toBe('heir');
    expect([session.isEnded, sink.ended, ends, owner.size]).toEqual([true, true, 1, 0]);
    expect(() => session.beginCall(1, 'tools/call')).toThrow('The session has ended');
    expect(owner.handOff(session.id, 'another')).toBeUndefined();
    expect(owner.findNewOwner(session.id)).toBe('heir');
  });

  it('restores a session at its previous owner when it is handed back', () => {
    const { owner, heir } = workers();
    const { id } = owner.open(sessionStart());
    heir.restore(travelled(owner.handOff(id, 'heir')));
    owner.restore(travelled(heir.handOff(id, 'owner')));
    expect([owner.findNewOwner(id), heir.findNewOwner(id)]).toEqual([undefined, 'owner']);
    expect(owner.find(id)?.isEnded).toBe(false);
  });

  it('restores a handed-off session only once', () => {
    const { owner, heir } = workers();
    const record = travelled(owner.handOff(owner.open(sessionStart()).id, 'heir'));
    expect(heir.restore(record)).toBe(heir.restore(record));
    expect(heir.size).toBe(1);
  });

  it('counts a handed-off session towards the limits of its new owner', () => {
    const { owner, heir } = workers({ maxSessionsPerPrincipal: 1 });
    const { id } = owner.open(sessionStart({ caller: callerOf('me') }));
    heir.open(sessionStart({ caller: callerOf('me') }));
    const record = travelled(owner.handOff(id, 'heir'));
    expect(() => heir.restore(record)).toThrow(expect.objectContaining({ code: -31003, httpStatus: 429 }));
    expect(owner.restore(record).id).toBe(id);
  });

  it.each<[string, Partial<SessionStart>, boolean]>([
    ['with an in-flight call', {}, true],
    ['over HTTP+SSE', { answersOnStandingStream: true }, false],
  ])('does not hand off a session %s', (_when, start, isCalling) => {
    const { owner } = workers();
    const session = owner.open(sessionStart(start));
    const call = isCalling ? session.beginCall(1, 'tools/call') : undefined;
    expect(session.canMove).toBe(false);
    expect(owner.handOff(session.id, 'heir')).toBeUndefined();
    expect([owner.find(session.id), owner.findNewOwner(session.id)]).toEqual([session, undefined]);
    if (!call) return;
    void call.finish(DONE);
    expect(owner.handOff(session.id, 'heir')).toBeDefined();
  });

  it('reports no new owner for an unknown session', () => {
    const { owner } = workers();
    expect(owner.handOff('unknown', 'heir')).toBeUndefined();
    expect(owner.findNewOwner('unknown')).toBeUndefined();
  });
});

describe('the events of a handed-off session', () => {
  it('replays earlier events and answers at the new owner, and gives new streams new keys', async () => {
    const { owner, heir } = workers();
    const session = owner.open(sessionStart());
    const call = session.beginCall(1, 'tools/call', new RecordingSink());
    void call.stream?.emit(notificationEvent('one'));
    void call.finish(DONE);
    const adopted = heir.restore(travelled(owner.handOff(session.id, 'heir')));
    const [back, next] = [new RecordingSink(), new RecordingSink()];
    adopted.resume('1-0', back);
    expect([back.summary, back.ended]).toEqual([['one', 'answer 1'], true]);
    await adopted.beginCall(2, 'tools/call', next).stream?.emit(notificationEvent('two'));
    expect(next.eventIds).toEqual(['2-0', '2-1']);
  });

  it('preserves all digits of large numbers in a handoff', () => {
    const { owner, heir } = workers();
    const session = owner.open(sessionStart());
    session.openStandingStream(new RecordingSink());
    session.notify({ method: 'notifications/x', params: parseJson('{"n":12345678901234567890}') as JsonObject });
    const adopted = heir.restore(travelled(owner.handOff(session.id, 'heir')));
    const back = new RecordingSink();
    adopted.resume('1-0', back);
    expect(JSON.stringify(back.events)).toContain('"n":12345678901234567890');
  });

  it('sends events that were not stored before the handoff from the new owner', async () => {
    const archive = new FakeArchive();
    const { owner, heir } = workers({}, archive);
    const session = owner.open(sessionStart());
    const sink = new RecordingSink();
    session.openStandingStream(sink);
    await sink.until(({ events }) => events.length === 1);
    archive.hold();
    session.notify(said_(1));
    const record = travelled(owner.handOff(session.id, 'heir'));
    // The previous owner drops a notification that arrives after the handoff.
    session.notify(said_(2));
    archive.release();
    const back = new RecordingSink();
    const adopted = heir.restore(record);
    adopted.resume('1-0', back);
    adopted.notify(said_(3));
    await back.until(({ events }) => events.length === 2);
    expect(back.eventIds).toEqual(['1-1', '1-2']);
    expect(sink.summary).toEqual(['opened']);
    expect(archive.summaryOf(session.id)).toEqual(['1-0 opened', '1-1 notification', '1-2 notification']);
    adopted.end();
    expect(archive.deleted).toEqual([session.id]);
  });

  it('deletes the stored events when the session ends at its new owner', async () => {
    const archive = new FakeArchive();
    const { owner, heir } = workers({}, archive);
    const session = owner.open(sessionStart());
    const sink = new RecordingSink();
    session.openStandingStream(sink);
    await sink.until(({ events }) => events.length === 1);
    const record = travelled(owner.handOff(session.id, 'heir'));
    expect(archive.deleted).toEqual([]);
    heir.restore(record).end();
    expect(archive.deleted).toEqual([session.id]);
  });

  it('delivers every event once and in order, for any sequence of handoffs and resumptions', () => {
    const steps = fc.array(fc.constantFrom('say', 'move', 'come back'), { maxLength: 40 });
    fc.assert(
      fc.property(steps, (script) => {
        const { owner, heir } = workers();
        let [here, there] = [owner, heir];
        let session = here.open(sessionStart());
        let connection = new RecordingSink();
        session.openStandingStream(connection);
        const heard: unknown[] = [];
        let [count, lastSeen] = [0, ''];
        for (const step of [...script, 'come back']) {
          if (step === 'say') session.notify(said_((count += 1)));
          if (step === 'move') {
            session = there.restore(travelled(here.handOff(session.id, 'there')));
            [here, there] = [there, here];
          }
          if (step !== 'come back') continue;
          for (const event of connection.events) {
            if ('eventId' in event) lastSeen = event.eventId ?? lastSeen;
            if (event.kind === 'notification') heard.push(event.notification.params['n']);
          }
          connection = new RecordingSink();
          session.resume(lastSeen, connection);
        }
        for (const event of connection.events)
          if (event.kind === 'notification') heard.push(event.notification.params['n']);
        expect(heard).toEqual(Array.from({ length: count }, (_, index) => index + 1));
      }),
    );
  });
});

describe('a record of a session', () => {
  const record = {
    id: 'a',
    caller: callerOf('me'),
    endpoint: 'default',
    client: LEGACY_CLIENT,
    logLevel: 'info',
    streams: { count: 1, standing: { key: 1, nextSequence: 1 }, events: [{ stream: 1, sequence: 0, json: '{}' }] },
  };

  it('contains only the declared fields of the caller, not its token', () => {
    const { owner } = workers();
    const caller = { ...callerOf('me'), token: 'secret' };
    const { id } = owner.open(sessionStart({ caller }));
    expect(JSON.stringify(owner.handOff(id, 'heir'))).not.toContain('secret');
  });

  it('parses a session record as it was written', () => {
    expect(readSessionRecord(parseJson(JSON.stringify(record)))).toEqual(record);
  });

  const without = (...path: string[]) => with_(undefined, ...path);
  const with_ = (value: unknown, ...path: string[]): JsonValue => {
    const copy = parseJson(JSON.stringify(record)) as JsonObject;
    let holder = copy;
    for (const name of path.slice(0, -1)) holder = holder[name] as JsonObject;
    holder[path.at(-1) ?? ''] = value as JsonValue;
    return copy;
  };

  it.each<[string, JsonValue | undefined]>([
    ['no value', undefined],
    ['a string instead of an object', 'x'],
    ['an array instead of an object', [record] as unknown as JsonValue],
    ['no id', without('id')],
    ['an empty id', with_('', 'id')],
    ['no caller', without('caller')],
    ['a caller without a principal', without('caller', 'principal')],
    ['a subject that is not a string', with_(1, 'caller', 'principal', 'subject')],
    ['roles that are not strings', with_([1], 'caller', 'roles')],
    ['an `anonymous` that is not a boolean', with_('no', 'caller', 'anonymous')],
    ['no client', without('client')],
    ['capabilities that are not an object', with_([], 'client', 'capabilities')],
    ['an unknown log level', with_('loud', 'logLevel')],
    ['streams that are not an object', with_(null, 'streams')],
    ['a negative stream count', with_(-1, 'streams', 'count')],
    ['an event of an unknown stream', with_([{ stream: 2, sequence: 0, json: '{}' }], 'streams', 'events')],
    ['an event without JSON', with_([{ stream: 1, sequence: 0 }], 'streams', 'events')],
    ['an unknown standing stream', with_({ key: 2, nextSequence: 0 }, 'streams', 'standing')],
  ])('rejects a session record with %s', (_name, value) => {
    expect(readSessionRecord(value)).toBeUndefined();
  });
});
