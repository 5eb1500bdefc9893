import { setImmediate } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { afterEach, describe, expect, it } from '@jest/globals';
import { SystemClock } from '#lib/time';
import { Deadlines } from '../deadlines.js';
import { AddressGuard } from '#lib/address-guard';
import { HttpChannel, HttpPools } from './index.js';

/** Keeps connections, announces for how long only if told so, counts them, and reports which side has closed one. */
const SERVER = `
  const { createServer } = require('node:http');
  const { parentPort, workerData: { memory, idleMs, announcedS } } = require('node:worker_threads');
  const [closed, opened] = [new Int32Array(memory, 0, 1), new Int32Array(memory, 4, 1)];
  const announced = announcedS === undefined ? {} : { 'keep-alive': 'timeout=' + announcedS };
  const server = createServer((request, response) => {
    request.resume();
    response.writeHead(200, { 'content-type': 'application/json', connection: 'keep-alive', ...announced }).end('{}');
  });
  server.keepAliveTimeout = idleMs;
  server.keepAliveTimeoutBuffer = 0;
  server.on('connection', (socket) => {
    Atomics.add(opened, 0, 1);
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

interface Counts {
  /** Number of connections that the server has seen closed. */
  readonly closed: Int32Array;
  /** Number of connections to the server. */
  readonly opened: Int32Array;
}

/** Starts the server in a thread of its own: it goes on while this one is blocked. */
async function connectTo(idleMs: number, announcedS?: number): Promise<Counts> {
  const memory = new SharedArrayBuffer(8);
  server = new Worker(SERVER, { eval: true, workerData: { memory, idleMs, announcedS } });
  const destination = {
    transport: 'http' as const,
    url: `http://127.0.0.1:${String(await nextMessage())}/mcp`,
    headers: {},
    timeouts: TIMEOUTS,
  };
  deadlines = new Deadlines(new SystemClock());
  channel = new HttpChannel(destination, new HttpPools(destination, LIMITS, deadlines, new AddressGuard([])));
  return { closed: new Int32Array(memory, 0, 1), opened: new Int32Array(memory, 4, 1) };
}

const nextMessage = (): Promise<unknown> => new Promise((resolve) => server.once('message', resolve));

afterEach(async () => {
  await channel.pools.destroy();
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

/** Two calls in turn; the connection of the first one is idle before the second one is sent. */
async function callTwice(): Promise<(number | string)[]> {
  const first = await call();
  await setImmediate();
  return [first, await call()];
}

describe('an idle connection', () => {
  it('is closed by the gateway well before a server closes it, as many do after 5 s', async () => {
    await connectTo(3_500);
    const closing = nextMessage();
    expect(await call()).toBe(200);
    expect(await closing).toBe('client');
  });

  it('is not used for a call when the server closed it while the gateway was paused', async () => {
    const { closed } = await connectTo(100);
    expect(await call()).toBe(200);
    // Blocks this thread, which cannot see the end of the connection before the next calls are sent.
    Atomics.wait(closed, 0, 0);
    expect(await Promise.all([call(), call()])).toEqual([200, 200]);
  });

  it('is not used for a second call when the server announces that it will close it within two seconds', async () => {
    const { opened } = await connectTo(60_000, 2);
    expect(await callTwice()).toEqual([200, 200]);
    expect(opened[0]).toBe(2);
  });

  it('is used again when the server announces that it will keep it', async () => {
    const { opened } = await connectTo(60_000, 60);
    expect(await callTwice()).toEqual([200, 200]);
    expect(opened[0]).toBe(1);
  });

  it('fails no call of many, each of which follows the end of the connection before it', async () => {
    const { opened } = await connectTo(20);
    for (let count = 1; count <= 20; count += 1) {
      const closing = nextMessage();
      expect(await call()).toBe(200);
      expect(await closing).toBe('server');
      expect(opened[0]).toBe(count);
    }
  });
});
