import { createServer, type Server, type ServerResponse } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ReplyWriter } from './reply-writer.js';

let server: Server;
let url: string;
let serve: (response: ServerResponse) => void;
const sockets: Socket[] = [];

beforeEach(async () => {
  server = createServer((_request, response) => serve(response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
});

/** Serves one response with `write` and returns what the client received. */
async function answered(write: (writer: ReplyWriter) => void) {
  serve = (response) => write(new ReplyWriter(response, 1_000_000));
  const response = await fetch(url);
  const { status, headers } = response;
  return { status, headers, text: await response.text() };
}

/** A client that sends a request and does not read the response. */
async function stalled(maxBufferBytes = 1_000_000) {
  const requestReceived = new Promise<ServerResponse>((resolve) => {
    serve = resolve;
  });
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  sockets.push(socket);
  socket.on('error', () => undefined);
  socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
  const raw = await requestReceived;
  socket.pause();
  return { socket, raw, writer: new ReplyWriter(raw, maxBufferBytes) };
}

const KILOBYTE = 'x'.repeat(1_000);

/** Writes until the writer reports back-pressure or closes. */
function fill(writer: ReplyWriter): Promise<void> {
  for (;;) {
    const pressure = writer.event(KILOBYTE);
    if (pressure || writer.isClosed) return pressure ?? Promise.resolve();
  }
}

describe('ReplyWriter', () => {
  it('sends a single JSON body with the additional headers', async () => {
    const { status, headers, text } = await answered((writer) =>
      writer.withHeaders({ 'x-more': '1' }).json(404, '{"ä":1}'),
    );
    expect({ status, text, more: headers.get('x-more') }).toEqual({ status: 404, text: '{"ä":1}', more: '1' });
    expect([headers.get('content-type'), headers.get('content-length')]).toEqual(['application/json', '8']);
  });

  it('sends an empty body', async () => {
    const { status, text, headers } = await answered((writer) => writer.empty(202));
    expect([status, text, headers.get('content-length')]).toEqual([202, '', '0']);
  });

  it('sends an event stream', async () => {
    const { headers, text } = await answered((writer) => {
      expect(writer.isStreaming).toBe(false);
      writer.openStream();
      writer.openStream();
      expect(writer.isStreaming).toBe(true);
      void writer.event('{}');
      void writer.event('{"a":1}', '1-2', 'endpoint', 500);
      writer.comment();
      writer.end();
    });
    expect(text).toBe('data: {}\n\nevent: endpoint\nid: 1-2\nretry: 500\ndata: {"a":1}\n\n:\n\n');
    expect([headers.get('content-type'), headers.get('x-accel-buffering')]).toEqual(['text/event-stream', 'no']);
  });

  it('ignores writes after the response is complete', async () => {
    const { text } = await answered((writer) => {
      writer.json(200, '{}');
      writer.json(200, '{}');
      writer.empty(202);
      writer.openStream();
      writer.comment();
      expect(writer.event('late')).toBeUndefined();
      writer.end();
      expect(writer.isClosed).toBe(true);
    });
    expect(text).toBe('{}');
  });

  it('notifies close listeners on completion and disconnect, including listeners added later', async () => {
    const ends: string[] = [];
    let late: ReplyWriter | undefined;
    await answered((writer) => {
      late = writer;
      writer.onClosed(() => ends.push('complete'));
      writer.empty(202);
    });
    const { socket, raw, writer } = await stalled();
    writer.onClosed(() => ends.push('disconnected'));
    const closed = once(raw, 'close');
    socket.destroy();
    await closed;
    late?.onClosed(() => ends.push('completed earlier'));
    writer.onClosed(() => ends.push('disconnected earlier'));
    expect(ends).toEqual(['complete', 'disconnected', 'completed earlier', 'disconnected earlier']);
    expect(writer.isClosed).toBe(true);
  });
});

describe('ReplyWriter with a slow client', () => {
  it('returns a promise until the client has read the buffer', async () => {
    const { socket, raw, writer } = await stalled(100_000_000);
    writer.openStream();
    const pressure = fill(writer);
    expect(raw.writableNeedDrain).toBe(true);
    socket.resume();
    await pressure;
    expect(raw.writableNeedDrain).toBe(false);
    expect(writer.event('more')).toBeUndefined();
  });

  it('adds one drain listener for any number of pending writes', async () => {
    const { raw, writer } = await stalled(100_000_000);
    writer.openStream();
    const before = raw.listenerCount('drain');
    const first = fill(writer);
    for (let count = 0; count < 100; count += 1) expect(writer.event(KILOBYTE)).toBe(first);
    expect(raw.listenerCount('drain')).toBe(before + 1);
  });

  it('closes the connection when the buffer exceeds its limit', async () => {
    const { raw, writer } = await stalled(200_000);
    writer.openStream();
    const disconnected = once(raw, 'close');
    let written = 0;
    while (!writer.isClosed && written < 100_000) {
      void writer.event(KILOBYTE);
      written += 1;
    }
    await disconnected;
    expect(raw.destroyed).toBe(true);
  });

  it('resolves pending writes when the client disconnects', async () => {
    const { socket, writer } = await stalled(100_000_000);
    writer.openStream();
    const pressure = fill(writer);
    socket.destroy();
    await pressure;
    expect(writer.event(KILOBYTE)).toBeUndefined();
  });
});
