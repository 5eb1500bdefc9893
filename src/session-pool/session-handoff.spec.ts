import { afterEach, describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import type { Caller } from '#lib/extension-kit';
import { parseJson, result, type JsonObject, type JsonValue } from '#lib/mcp-protocol';
import { SystemClock } from '#lib/time';
import { LEGACY_CLIENT, callerOf } from '../../test/support/fake-upstream.js';
import { RecordingSink } from '../../test/support/recording-sink.js';
import { FakeArchive } from './session-archive-fixture.js';
import { limits, notificationEvent, sessionStart } from './session-pool-fixture.js';
import { SessionPool } from './session-pool.js';
import type { SessionPoolConfig } from './session-pool.config.js';
import { readSessionRecord, type SessionRecord } from './session-record.js';
import type { SessionStart } from './session-start.js';

const DONE = result({ content: [] });
const pools: SessionPool[] = [];

function workers(settings: Partial<SessionPoolConfig> = {}, archive?: FakeArchive) {
  const [previousOwner, newOwner] = [0, 1].map(() => new SessionPool(limits(settings), new SystemClock(), archive));
  if (!previousOwner || !newOwner) throw new Error('Both workers exist.');
  pools.push(previousOwner, newOwner);
  return { previousOwner, newOwner };
}

afterEach(() => {
  for (const pool of pools.splice(0)) pool.onApplicationShutdown();
});

/** Serializes and parses a record, as if it had travelled to another worker. */
function transferred(record: SessionRecord | undefined): SessionRecord {
  const read = readSessionRecord(parseJson(JSON.stringify(record)));
  if (!read) throw new Error('The record is invalid.');
  return read;
}

const notification = (n: number) => ({ method: 'notifications/x', params: { n } });

describe('a handed-off session', () => {
  it('restores a handed-off session at its new owner with the same client and properties', () => {
    const { previousOwner, newOwner } = workers();
    const caller = { ...callerOf('me'), roles: ['user'], scopes: ['mcp'], claims: { team: 'a' } };
    const client = { ...LEGACY_CLIENT, capabilities: { roots: {} }, clientInfo: { name: 'c', version: '1' } };
    const session = previousOwner.open(sessionStart({ caller, client, endpoint: 'a' }));
    session.logLevel = 'warning';
    const restored = newOwner.restore(transferred(previousOwner.handOff(session.id, 'new-owner')));
    expect(newOwner.find(session.id)).toBe(restored);
    expect(restored.start).toEqual(session.start);
    expect([restored.client, restored.logLevel]).toEqual([client, 'warning']);
  });

  it('has ended only at its last owner, with its age since it began', () => {
    const { previousOwner, newOwner } = workers();
    const ended: (readonly [string, number])[] = [];
    previousOwner.onEnd(({ startedAt }) => ended.push(['previous', startedAt]));
    newOwner.onEnd(({ startedAt }) => ended.push(['new', startedAt]));
    const session = previousOwner.open(sessionStart());
    session.startedAt -= 60_000;
    const restored = newOwner.restore(transferred(previousOwner.handOff(session.id, 'new-owner')));
    expect(ended).toEqual([]);
    restored.end();
    expect(ended).toEqual([['new', session.startedAt]]);
  });

  it('restores a handed-off session with the caller of its latest request and what its token grants without teams', () => {
    const { previousOwner, newOwner } = workers();
    const session = previousOwner.open(sessionStart({ caller: callerOf('me') }));
    const grants = { roles: ['user'], teams: [], teamRoles: ['payer'] };
    const caller = { ...callerOf('me'), roles: ['user', 'payer'], teams: ['finance'], grants };
    session.useCaller(caller);
    const restored = newOwner.restore(transferred(previousOwner.handOff(session.id, 'new-owner')));
    expect(restored.caller).toEqual(caller);
  });

  it('restores every member of a caller, except what belongs to the token of one request', () => {
    const { previousOwner, newOwner } = workers();
    const caller: Required<Caller> = {
      ...callerOf('me'),
      roles: ['user'],
      teams: ['finance'],
      servers: ['a'],
      serverIdentities: ['a@1'],
      scopes: ['mcp'],
      claims: { sub: 'me' },
      accessToken: 'id',
      grants: { roles: ['user'], teams: [], teamRoles: [] },
      acceptedUntilMs: 1,
    };
    const { id } = previousOwner.open(sessionStart({ caller }));
    const restored = newOwner.restore(transferred(previousOwner.handOff(id, 'new-owner')));
    const { accessToken: _token, acceptedUntilMs: _until, ...lasting } = caller;
    expect(restored.caller).toEqual(lasting);
  });

  it('ends a handed-off session at its previous owner, which remembers the new owner', () => {
    const { previousOwner } = workers();
    const session = previousOwner.open(sessionStart());
    const sink = new RecordingSink();
    session.openServerStream(sink);
    let ends = 0;
    session.onEnd(() => (ends += 1));
    expect(previousOwner.handOff(session.id, 'new-owner')?.id).toBe(session.id);
    expect(previousOwner.find(session.id)).toBeUndefined();
    expect(previousOwner.findNewOwner(session.id)).toBe('new-owner');
    expect([session.isEnded, sink.ended, ends, previousOwner.size]).toEqual([true, true, 1, 0]);
    expect(() => session.beginCall(1, 'tools/call')).toThrow('The session has ended');
    expect(previousOwner.handOff(session.id, 'another')).toBeUndefined();
    expect(previousOwner.findNewOwner(session.id)).toBe('new-owner');
  });

  it('restores a session at its previous owner when it is handed back', () => {
    const { previousOwner, newOwner } = workers();
    const { id } = previousOwner.open(sessionStart());
    newOwner.restore(transferred(previousOwner.handOff(id, 'new-owner')));
    previousOwner.restore(transferred(newOwner.handOff(id, 'previous-owner')));
    expect([previousOwner.findNewOwner(id), newOwner.findNewOwner(id)]).toEqual([undefined, 'previous-owner']);
    expect(previousOwner.find(id)?.isEnded).toBe(false);
  });

  it('restores a handed-off session only once', () => {
    const { previousOwner, newOwner } = workers();
    const record = transferred(previousOwner.handOff(previousOwner.open(sessionStart()).id, 'new-owner'));
    expect(newOwner.restore(record)).toBe(newOwner.restore(record));
    expect(newOwner.size).toBe(1);
  });

  it('counts a handed-off session towards the limits of its new owner', () => {
    const { previousOwner, newOwner } = workers({ maxSessionsPerPrincipal: 1 });
    const { id } = previousOwner.open(sessionStart({ caller: callerOf('me') }));
    newOwner.open(sessionStart({ caller: callerOf('me') }));
    const record = transferred(previousOwner.handOff(id, 'new-owner'));
    expect(() => newOwner.restore(record)).toThrow(expect.objectContaining({ code: -31003, httpStatus: 429 }));
    expect(previousOwner.restore(record).id).toBe(id);
  });

  it.each<[string, Partial<SessionStart>, boolean]>([
    ['with an in-flight call', {}, true],
    ['over HTTP+SSE', { answersOnServerStream: true }, false],
  ])('does not hand off a session %s', (_when, start, isCalling) => {
    const { previousOwner } = workers();
    const session = previousOwner.open(sessionStart(start));
    const call = isCalling ? session.beginCall(1, 'tools/call') : undefined;
    expect(session.canMove).toBe(false);
    expect(previousOwner.handOff(session.id, 'new-owner')).toBeUndefined();
    expect([previousOwner.find(session.id), previousOwner.findNewOwner(session.id)]).toEqual([session, undefined]);
    if (!call) return;
    void call.finish(DONE);
    expect(previousOwner.handOff(session.id, 'new-owner')).toBeDefined();
  });

  it('reports no new owner for an unknown session', () => {
    const { previousOwner } = workers();
    expect(previousOwner.handOff('unknown', 'new-owner')).toBeUndefined();
    expect(previousOwner.findNewOwner('unknown')).toBeUndefined();
  });
});

describe('the events of a handed-off session', () => {
  it('replays earlier events and answers at the new owner, and gives new streams new keys', async () => {
    const { previousOwner, newOwner } = workers();
    const session = previousOwner.open(sessionStart());
    const call = session.beginCall(1, 'tools/call', new RecordingSink());
    void call.stream?.emit(notificationEvent('one'));
    void call.finish(DONE);
    const restored = newOwner.restore(transferred(previousOwner.handOff(session.id, 'new-owner')));
    const [resumed, next] = [new RecordingSink(), new RecordingSink()];
    restored.resume('1-0', resumed);
    expect([resumed.summary, resumed.ended]).toEqual([['one', 'answer 1'], true]);
    await restored.beginCall(2, 'tools/call', next).stream?.emit(notificationEvent('two'));
    expect(next.eventIds).toEqual(['2-0', '2-1']);
  });

  it('preserves all digits of large numbers in a handoff', () => {
    const { previousOwner, newOwner } = workers();
    const session = previousOwner.open(sessionStart());
    session.openServerStream(new RecordingSink());
    session.notify({ method: 'notifications/x', params: parseJson('{"n":12345678901234567890}') as JsonObject });
    const restored = newOwner.restore(transferred(previousOwner.handOff(session.id, 'new-owner')));
    const resumed = new RecordingSink();
    restored.resume('1-0', resumed);
    expect(JSON.stringify(resumed.events)).toContain('"n":12345678901234567890');
  });

  it('sends events that were not stored before the handoff from the new owner', async () => {
    const archive = new FakeArchive();
    const { previousOwner, newOwner } = workers({}, archive);
    const session = previousOwner.open(sessionStart());
    const sink = new RecordingSink();
    session.openServerStream(sink);
    await sink.until(({ events }) => events.length === 1);
    archive.hold();
    session.notify(notification(1));
    const record = transferred(previousOwner.handOff(session.id, 'new-owner'));
    // The previous owner drops a notification that arrives after the handoff.
    session.notify(notification(2));
    archive.release();
    const resumed = new RecordingSink();
    const restored = newOwner.restore(record);
    restored.resume('1-0', resumed);
    restored.notify(notification(3));
    await resumed.until(({ events }) => events.length === 2);
    expect(resumed.eventIds).toEqual(['1-1', '1-2']);
    expect(sink.summary).toEqual(['opened']);
    expect(archive.summaryOf(session.id)).toEqual(['1-0 opened', '1-1 notification', '1-2 notification']);
    restored.end();
    expect(archive.deleted).toEqual([session.id]);
  });

  it('deletes the stored events when the session ends at its new owner', async () => {
    const archive = new FakeArchive();
    const { previousOwner, newOwner } = workers({}, archive);
    const session = previousOwner.open(sessionStart());
    const sink = new RecordingSink();
    session.openServerStream(sink);
    await sink.until(({ events }) => events.length === 1);
    const record = transferred(previousOwner.handOff(session.id, 'new-owner'));
    expect(archive.deleted).toEqual([]);
    newOwner.restore(record).end();
    expect(archive.deleted).toEqual([session.id]);
  });

  it('delivers every event once and in order, for any sequence of handoffs and resumptions', () => {
    const steps = fc.array(fc.constantFrom('say', 'move', 'come back'), { maxLength: 40 });
    fc.assert(
      fc.property(steps, (script) => {
        const { previousOwner, newOwner } = workers();
        let [from, to] = [previousOwner, newOwner];
        let session = from.open(sessionStart());
        let connection = new RecordingSink();
        session.openServerStream(connection);
        const received: unknown[] = [];
        let [count, lastSeen] = [0, ''];
        for (const step of [...script, 'come back']) {
          if (step === 'say') session.notify(notification((count += 1)));
          if (step === 'move') {
            session = to.restore(transferred(from.handOff(session.id, 'there')));
            [from, to] = [to, from];
          }
          if (step !== 'come back') continue;
          for (const event of connection.events) {
            if ('eventId' in event) lastSeen = event.eventId ?? lastSeen;
            if (event.kind === 'notification') received.push(event.notification.params['n']);
          }
          connection = new RecordingSink();
          session.resume(lastSeen, connection);
        }
        for (const event of connection.events)
          if (event.kind === 'notification') received.push(event.notification.params['n']);
        expect(received).toEqual(Array.from({ length: count }, (_, index) => index + 1));
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
    const { previousOwner } = workers();
    const caller = { ...callerOf('me'), token: 'secret' };
    const { id } = previousOwner.open(sessionStart({ caller }));
    expect(JSON.stringify(previousOwner.handOff(id, 'new-owner'))).not.toContain('secret');
  });

  it('parses a session record as it was written', () => {
    expect(readSessionRecord(parseJson(JSON.stringify(record)))).toEqual(record);
  });

  const without = (...path: string[]) => withValue(undefined, ...path);
  const withValue = (value: unknown, ...path: string[]): JsonValue => {
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
    ['an empty id', withValue('', 'id')],
    ['no caller', without('caller')],
    ['a caller without a principal', without('caller', 'principal')],
    ['a subject that is not a string', withValue(1, 'caller', 'principal', 'subject')],
    ['roles that are not strings', withValue([1], 'caller', 'roles')],
    ['an `anonymous` that is not a boolean', withValue('no', 'caller', 'anonymous')],
    ['no client', without('client')],
    ['capabilities that are not an object', withValue([], 'client', 'capabilities')],
    ['an unknown log level', withValue('loud', 'logLevel')],
    ['streams that are not an object', withValue(null, 'streams')],
    ['a negative stream count', withValue(-1, 'streams', 'count')],
    ['an event of an unknown stream', withValue([{ stream: 2, sequence: 0, json: '{}' }], 'streams', 'events')],
    ['an event without JSON', withValue([{ stream: 1, sequence: 0 }], 'streams', 'events')],
    ['an unknown server stream', withValue({ key: 2, nextSequence: 0 }, 'streams', 'standing')],
  ])('rejects a session record with %s', (_name, value) => {
    expect(readSessionRecord(value)).toBeUndefined();
  });
});
