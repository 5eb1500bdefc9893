import { Worker } from 'node:worker_threads';
import { afterEach, describe, expect, it } from '@jest/globals';
import { SystemClock } from '#lib/time';
import { Deadlines } from '../deadlines.js';
import { AddressGuard } from '#lib/address-guard';
import { HttpChannel } from './index.js';

/** Keeps connections, does not announce for how long, and reports which side has closed one. */
const SERVER = `
  const { createServer } = require('node:http');
  const { parentPort, workerData: { memory, idleMs } } = require('node:worker_threads');
  const closed = new Int32Array(memory);
  const server = createServer((request, response) => {
    request.resume();
    response.writeHead(200, { 'content-type': 'application/json', connection: 'keep-alive' }).end('{}');
  });
  server.keepAliveTimeout = idleMs;
  server.keepAliveTimeoutBuffer = 0;
  server.on('connection', (socket) => {
    let side = 'server';
    socket.once('end', () => (side = 'client'));
    socket.once('close', () => {
      Atomics.add(closed, 0, 1);
      Atomics.notify(closed, 0);
      parentPort.postMessage(side);
    });
  });
  server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port));
`;

const LIMITS = { maxConnections: 4, maxCalls: 10, maxBodyBytes: 1_024, maxEventBytes: 1_024 };
const TIMEOUTS = { connectMs: 5_000, requestMs: 5_000 };

let server: Worker;
let deadlines: Deadlines;
let channel: HttpChannel;

/** Starts the server in a thread of its own: it goes on while this one is blocked. Returns its count of closed connections. */
async function connectTo(idleMs: number): Promise<Int32Array> {
  const memory = new SharedArrayBuffer(4);
  server = new Worker(SERVER, { eval: true, workerData: { memory, idleMs } });
  const destination = {
    transport: 'http' as const,
    url: `http://127.0.0.1:${String(await nextMessage())}/mcp`,
    headers: {},
    timeouts: TIMEOUTS,
  };
  deadlines = new Deadlines(new SystemClock());
  channel = new HttpChannel(destination, LIMITS, deadlines, new AddressGuard([]));
  return new Int32Array(memory);
}

const nextMessage = (): Promise<unknown> => new Promise((resolve) => server.once('message', resolve));

afterEach(async () => {
  await channel.destroy();
  deadlines.clear();
  await server.terminate();
});

/** The status of the answer, or the fault. */
function call(): Promise<number | string> {
  const nothing = () => undefined;
  return new Promise((resolve) => {
    channel.postCall([], '{}', {
      answered: ({ status }) => resolve(status),
      failed: (fault, detail) => resolve(`${fault}: ${detail}`),
      streaming: nothing,
      event: nothing,
      streamEnded: nothing,
    });
  });
}

describe('an idle connection', () => {
  it('is closed by the gateway well before a server closes it, as many do after 5 s', async () => {
    await connectTo(3_500);
    const closing = nextMessage();
    expect(await call()).toBe(200);
    expect(await closing).toBe('client');
  });

  it('is not used for a call when the server closed it while the gateway was paused', async () => {
    const closed = await connectTo(100);
    expect(await call()).toBe(200);
    // Blocks this thread, which cannot see the end of the connection before the next calls are sent.
    Atomics.wait(closed, 0, 0);
    expect(await Promise.all([call(), call()])).toEqual([200, 200]);
  });
});
