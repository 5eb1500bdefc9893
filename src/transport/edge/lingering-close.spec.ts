import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ManualClock } from '#lib/testing/manual-clock';
import { linger } from './lingering-close.js';

let clock: ManualClock;
let server: Server;
let client: Socket;
/** The gateway's side of the connection. */
let socket: Socket;

beforeEach(async () => {
  clock = new ManualClock();
  server = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const accepted = once(server, 'connection') as Promise<[Socket]>;
  client = connect({ port: (server.address() as AddressInfo).port, host: '127.0.0.1', allowHalfOpen: true });
  [socket] = await accepted;
  for (const side of [client, socket]) side.resume();
});

afterEach(() => {
  for (const side of [client, socket]) side.destroy();
  server.close();
});

describe('linger', () => {
  it('ends its own side at once, and waits until the client has ended the other one', async () => {
    linger(socket, clock);
    await once(client, 'end');
    expect([socket.destroyed, clock.pending]).toEqual([false, 1]);
    client.end('the rest of the request');
    await once(socket, 'close');
    expect(clock.pending).toBe(0);
  });

  it('closes the connection of a client that does not end its side within ten seconds', async () => {
    linger(socket, clock);
    await once(client, 'end');
    await clock.advance(9_900);
    expect(socket.destroyed).toBe(false);
    const closed = once(socket, 'close');
    await clock.advance(250);
    await closed;
    expect(clock.pending).toBe(0);
  });

  it('leaves no timer behind for a connection that is closed already', async () => {
    const closed = once(socket, 'close');
    socket.destroy();
    await closed;
    linger(socket, clock);
    expect(clock.pending).toBe(0);
  });
});
