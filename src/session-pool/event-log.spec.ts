import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { EventLog, type ReplayableEvent } from './event-log.js';

const notification = (text: string): ReplayableEvent => ({
  kind: 'notification',
  notification: { method: 'notifications/message', params: { data: text } },
});

const textsAfter = (log: EventLog, eventId: string) =>
  log.readAfter(eventId)?.events.map((event) => event.kind === 'notification' && event.notification.params['data']);

describe('the event log of a session', () => {
  it('replays every later event of the same stream, under the ids that they were sent with', () => {
    const log = new EventLog(10, 10_000);
    const seen = log.append(1, 0, notification('a'));
    log.append(2, 0, notification('of another stream'));
    const missed = log.append(1, 1, notification('b'));
    log.append(1, 2, notification('c'));
    expect(log.readAfter(seen)).toMatchObject({ stream: 1, events: [{ eventId: missed }, { eventId: '1-2' }] });
    expect(textsAfter(log, seen)).toEqual(['b', 'c']);
  });

  it('replays no event after the last one', () => {
    const log = new EventLog(10, 10_000);
    const seen = log.append(1, 0, notification('a'));
    expect(log.readAfter(seen)).toMatchObject({ stream: 1, events: [] });
  });

  it('replays all later events when only the event that the client saw was evicted', () => {
    const log = new EventLog(2, 10_000);
    const seen = log.append(1, 0, notification('a'));
    log.append(1, 1, notification('b'));
    log.append(1, 2, notification('c'));
    expect(textsAfter(log, seen)).toEqual(['b', 'c']);
  });

  it('refuses a replay that would have a gap (invariant 2)', () => {
    const log = new EventLog(2, 10_000);
    const seen = log.append(1, 0, notification('a'));
    for (const sequence of [1, 2, 3]) log.append(1, sequence, notification('later'));
    expect(log.readAfter(seen)).toBeUndefined();
  });

  it.each(['', 'x', '1', '1-', '-1', '1-0-0', '1-99', '9-0', '01e1-0', '1-00000000000', '٣-٤'])(
    'refuses a replay after the unknown event id %j',
    (eventId) => {
      const log = new EventLog(10, 10_000);
      log.append(1, 0, notification('a'));
      expect(log.readAfter(eventId)).toBeUndefined();
    },
  );

  it('evicts the oldest events beyond the byte limit, but never the newest event', () => {
    const log = new EventLog(1_000, 1_000);
    for (let sequence = 0; sequence < 50; sequence += 1) log.append(1, sequence, notification('x'.repeat(100)));
    expect(log.readAfter('1-30')).toBeUndefined();
    const large = log.append(1, 50, notification('y'.repeat(5_000)));
    expect(log.readAfter('1-48')).toBeUndefined();
    expect(log.readAfter(large)).toMatchObject({ stream: 1, events: [] });
    expect(textsAfter(log, '1-49')).toEqual(['y'.repeat(5_000)]);
  });

  it('replays an exact suffix of the stream or refuses, for any events and any limit', () => {
    const script = fc.array(fc.record({ stream: fc.integer({ min: 1, max: 3 }), text: fc.string() }), {
      maxLength: 40,
    });
    fc.assert(
      fc.property(script, fc.integer({ min: 1, max: 12 }), (lines, bound) => {
        const log = new EventLog(bound, 100_000);
        const recorded: Record<number, string[]> = { 1: [], 2: [], 3: [] };
        for (const { stream, text } of lines) {
          const texts = (recorded[stream] ??= []);
          log.append(stream, texts.push(text) - 1, notification(text));
        }
        for (const [stream, texts] of Object.entries(recorded)) {
          texts.forEach((_, sequence) => {
            const after = textsAfter(log, `${stream}-${sequence}`);
            if (after) expect(after).toEqual(texts.slice(sequence + 1));
          });
        }
      }),
    );
  });

  it('records no event if its limit is zero', () => {
    const log = new EventLog(0, 0);
    expect(log.readAfter(log.append(1, 0, notification('a')))).toBeUndefined();
  });
});
