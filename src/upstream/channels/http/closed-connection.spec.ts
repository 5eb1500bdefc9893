import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { AddressGuard } from '#lib/address-guard';
import { SystemClock } from '#lib/time';
import { Deadlines } from '../deadlines.js';
import { HttpChannel, HttpPools } from './index.js';

const LIMITS = { maxConnections: 1, maxCalls: 10, maxBodyBytes: 1_024, maxEventBytes: 1_024 };

let server: Server;
let channel: HttpChannel;
let requests: number;

/** A server that closes each connection at its second request, without an answer. */
beforeEach(async () => {
  requests = 0;
  const served = new WeakSet<object>();
  server = createServer((request, response) => {
    requests += 1;
    request.resume();
    if (served.has(request.socket)) return void request.socket.destroy();
    served.add(request.socket);
    response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`;
  const destination = {
    transport: 'http',
    url,
    headers: {},
    timeouts: { connectMs: 5_000, requestMs: 5_000 },
  } as const;
  channel = new HttpChannel(
    destination,
    new HttpPools(destination, LIMITS, new Deadlines(new SystemClock()), new AddressGuard([])),
  );
});

afterEach(async () => {
  await channel.pools.destroy();
  server.closeAllConnections();
  server.close();
});

/** The status of the answer, or the fault. */
function call(mayRepeat: boolean): Promise<number | string> {
  const nothing = () => undefined;
  return new Promise((resolve) => {
    channel.postCall([], '{}', {
      mayRepeat,
      answered: ({ status }) => resolve(status),
      failed: (fault) => resolve(fault),
      streaming: nothing,
      event: nothing,
      streamEnded: nothing,
    });
  });
}

it('a request that may run twice is sent again over a new connection when a kept one closes unanswered', async () => {
  expect([await call(false), await call(true), requests]).toEqual([200, 200, 3]);
});

it('a call is not sent again when a kept connection closes unanswered, and its outcome is unknown', async () => {
  expect([await call(false), await call(false), requests]).toEqual([200, 'lost', 2]);
});
