import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import type { HttpAdapterHost } from '@nestjs/core';
import { SystemClock } from '#lib/time';
import { IdleConnectionCloser } from './idle-connection-closer.js';

async function listeningServer() {
  const server = createServer((_request, response) => response.end('served'));
  const host = { httpAdapter: { getHttpServer: () => server } } as unknown as HttpAdapterHost;
  const closer = new IdleConnectionCloser(host, new SystemClock());
  closer.onModuleInit();
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  const accepted = once(server, 'connection');
  const client = connect(port, '127.0.0.1');
  await accepted;
  return { server, closer, client };
}

describe('a draining worker', () => {
  it('closes a connection without any request', async () => {
    const { server, closer, client } = await listeningServer();
    const clientClosed = once(client, 'close');
    const closed = once(server, 'close');
    closer.beforeApplicationShutdown();
    server.close();
    await Promise.all([clientClosed, closed]);
    expect(client.destroyed).toBe(true);
  });

  it('answers a request that arrives while it begins to drain', async () => {
    const { server, closer, client } = await listeningServer();
    closer.beforeApplicationShutdown();
    const closed = once(client, 'close');
    server.close();
    client.write('GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
    const chunks: string[] = [];
    client.setEncoding('utf8').on('data', (text: string) => chunks.push(text));
    await closed;
    expect(chunks.join('')).toMatch(/served$/);
  });

  it('closes a connection after its last answer was sent', async () => {
    const { server, closer, client } = await listeningServer();
    const closed = once(client, 'close');
    const answering = once(server, 'request');
    client.resume().write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await answering;
    closer.beforeApplicationShutdown();
    server.close();
    await closed;
    expect(client.destroyed).toBe(true);
    closer.onApplicationShutdown();
  });
});
