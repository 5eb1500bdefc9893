import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { SseOverflow, SseParser, type SseEvent } from './sse-parser.js';

function parse(text: string | Buffer, cuts: readonly number[] = []): { events: SseEvent[]; parser: SseParser } {
  const bytes = Buffer.from(text);
  const parser = new SseParser(10_000, () => 0);
  const ends = [...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length].toSorted((a, b) => a - b);
  const events: SseEvent[] = [];
  let from = 0;
  for (const end of ends) {
    events.push(...parser.push(bytes.subarray(from, end)));
    from = end;
  }
  return { events, parser };
}

describe('SseParser', () => {
  it('yields the type and data of each event and strips one space after the colon', () => {
    const { events } = parse('event: endpoint\ndata: /a\n\ndata:b\ndata:  c\n\n');
    expect(events).toEqual([
      { type: 'endpoint', data: '/a' },
      { type: 'message', data: 'b\n c' },
    ]);
  });

  it('accepts line feeds, carriage returns and pairs of both as line ends', () => {
    expect(parse('data: a\r\rdata: b\r\n\r\ndata: c\n\n').events.map(({ data }) => data)).toEqual(['a', 'b', 'c']);
  });

  it('ignores comments, unknown fields, a byte order mark and an unfinished event', () => {
    expect(parse('\uFEFFdata: a\n: hello\nunknown: 1\nnothing\n\n:\n\ndata: b\n').events).toEqual([
      { type: 'message', data: 'a' },
    ]);
  });

  it('stores the last event id, also of an event without data', () => {
    expect(parse('id: 1\ndata: a\n\nid: 2\n\n').parser.lastEventId).toBe('2');
    expect(parse('id: 1\ndata: a\n\nid: 2\n').parser.lastEventId).toBe('1');
    expect(parse('id: 1\n\nid: a\0b\n\n').parser.lastEventId).toBe('1');
  });

  it('stores the reconnection delay of the server, clamped to 100 ms to 60 s', () => {
    expect(parse('retry: 2500\n\n').parser.retryMs).toBe(2_500);
    expect(parse('retry: 0\n\n').parser.retryMs).toBe(100);
    expect(parse('retry: 999999999\n\n').parser.retryMs).toBe(60_000);
    expect(parse('retry: soon\n\n').parser.retryMs).toBeUndefined();
  });

  it('replaces the data of an event that is not UTF-8', () => {
    const { events } = parse(Buffer.concat([Buffer.from('data: "a'), Buffer.from([0xff]), Buffer.from('"\n\n')]));
    expect(events).toEqual([{ type: 'message', data: '\uFFFD' }]);
  });

  it.each([
    ['one endless line', `data: ${'x'.repeat(20_000)}`],
    ['one endless event', 'data: xxxxxxxxxx\n'.repeat(2_000)],
    ['one endless event of empty lines', 'data:\n'.repeat(2_000)],
  ])('throws SseOverflow for %s', (_what, text) => {
    expect(() => parse(text, [5_000])).toThrow(SseOverflow);
  });

  const MINUTE_MS = 60_000;

  it.each([
    ['comments', ': still here\n'],
    ['blank lines', '\n'],
    ['ids', 'id: 7\n'],
    ['delays', 'retry: 100\n'],
    ['ids of empty events', 'id: 7\n\n'],
    ['empty events', 'data:\n\n'],
    ['unknown fields', 'nonsense: 1\n'],
    ['unknown events', 'event: ping\ndata: x\n\n'],
    ['comments between empty messages', ': x\n\ndata:\n\n'],
  ])('rejects a stream of %s without end, at any speed above a mebibyte in a minute', (_what, text) => {
    const chunk = Buffer.from(text.repeat(2_000));
    let bytes = 0;
    const parser = new SseParser(1_000_000, () => bytes * (MINUTE_MS / 4 / 1024 / 1024));
    expect(() => {
      for (; bytes < 32 * 1024 * 1024; bytes += chunk.length) parser.push(chunk);
    }).toThrow('flooded');
    expect(bytes).toBeLessThan(16 * 1024 * 1024);
  });

  it.each([
    ['a comment with padding every 15 seconds', `:${' '.repeat(2_048)}\n\n`, 15_000],
    ['an empty event every second', 'event: ping\ndata: 2026-01-01T00:00:00Z\n\n', 1_000],
  ])('accepts %s for 30 days', (_what, text, everyMs) => {
    let now = 0;
    const parser = new SseParser(10_000, () => now);
    const beat = Buffer.from(text);
    for (; now < 30 * 24 * 60 * MINUTE_MS; now += everyMs) parser.push(beat);
    expect(parser.push(Buffer.from('data: a\n\n'))).toEqual([{ type: 'message', data: 'a' }]);
  });

  it('accepts any number of messages with ids in an instant', () => {
    const parser = new SseParser(10_000, () => 0);
    const chunk = Buffer.from(`id: ${'7'.repeat(900)}\nevent: message\ndata: a\n\n`.repeat(100));
    for (let sent = 0; sent < 4 * 1024 * 1024; sent += chunk.length) expect(parser.push(chunk)).toHaveLength(100);
  });

  it('yields the same events for every division of the bytes into chunks', () => {
    const part = fc.constantFrom('data: é', 'data:b', 'id: 7', 'event: e', ': c', 'retry: 300', '', '', 'nonsense');
    const end = fc.constantFrom('\n', '\r\n', '\r');
    const text = fc.array(fc.tuple(part, end)).map((lines) => lines.map((line) => line.join('')).join(''));
    fc.assert(
      fc.property(text, fc.array(fc.nat(200)), (whole, cuts) => {
        const one = parse(whole);
        const other = parse(whole, cuts);
        expect(other.events).toEqual(one.events);
        expect(other.parser.lastEventId).toBe(one.parser.lastEventId);
      }),
    );
  });
});
