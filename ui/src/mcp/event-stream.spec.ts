import { describe, expect, it } from '@jest/globals';
import { readEvents, type StreamEvent } from './event-stream.js';

/** A body that arrives in these parts. */
function bodyOf(parts: readonly (string | Uint8Array)[]): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  return new ReadableStream({
    start(controller) {
      for (const part of parts) controller.enqueue(typeof part === 'string' ? encoder.encode(part) : part);
      controller.close();
    },
  });
}

async function eventsIn(...parts: readonly (string | Uint8Array)[]): Promise<readonly StreamEvent[]> {
  const events: StreamEvent[] = [];
  for await (const event of readEvents(bodyOf(parts))) events.push(event);
  return events;
}

const dataIn = async (...parts: readonly (string | Uint8Array)[]) => (await eventsIn(...parts)).map(({ data }) => data);

describe('the reader of server-sent events', () => {
  it('reads data, id and retry, and ignores comments and unknown fields', async () => {
    expect(await eventsIn(': comment\nid: 7\nretry: 250\nevent: message\ndata: {"a":1}\n\n')).toEqual([
      { data: '{"a":1}', id: '7', retryMs: 250 },
    ]);
  });

  it('joins several lines of data, and removes only the first space of a value', async () => {
    expect(await dataIn('data: one\ndata:  two\ndata:three\ndata\n\n')).toEqual(['one\n two\nthree\n']);
  });

  it.each(['\n', '\r\n', '\r'])('accepts %j as the end of a line', async (end) => {
    expect(await dataIn(`data: a${end}${end}data: b${end}${end}: end${end}`)).toEqual(['a', 'b']);
  });

  it('reads a line end that is split between two parts as one', async () => {
    expect(await dataIn('data: a\r', '\n\r', '\ndata: b\r\n\r\n')).toEqual(['a', 'b']);
  });

  it('reads a character whose bytes arrive in two parts', async () => {
    const bytes = new TextEncoder().encode('data: ü\n\n');
    expect(await dataIn(bytes.slice(0, 7), bytes.slice(7))).toEqual(['ü']);
  });

  it('drops an event that the end of the stream cuts off', async () => {
    expect(await dataIn('data: whole\n\ndata: part')).toEqual(['whole']);
  });

  it('ignores a retry that is no number of milliseconds', async () => {
    expect(await eventsIn('retry: soon\ndata: a\n\n')).toEqual([{ data: 'a', id: undefined, retryMs: undefined }]);
  });

  it('cancels the body when its reader stops early', async () => {
    const { promise: cancelled, resolve: cancel } = Promise.withResolvers<void>();
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(new TextEncoder().encode('data: first\n\n')),
      cancel,
    });
    for await (const { data } of readEvents(body)) {
      expect(data).toBe('first');
      break;
    }
    await cancelled;
  });
});
