import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import type { HttpAdapterHost } from '@nestjs/core';
import { IdleConnectionCloser } from './idle-connection-closer.js';

async function listening() {
  const server = createServer((_request, response) => response.end('served'));
  const quiet = new IdleConnectionCloser({
    httpAdapter: { getHttpServer: () => server },
  } as unknown as HttpAdapterHost);
  quiet.onModuleInit();
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  const accepted = once(server, 'connection');
  const client = connect(port, '127.0.0.1');
  await accepted;
  return { server, quiet, client };
}

describe('when the worker leaves', () => {
  it('closes a connection over which nothing came', async () => {
    const { server, quiet, client } = await listening();
    const gone = once(client, 'close');
    const closed = once(server, 'close');
    quiet.beforeApplicationShutdown();
    server.close();
    await Promise.all([gone, closed]);
    expect(client.destroyed).toBe(true);
  });

  it('serves a request that comes just then', async () => {
    const { server, quiet, client } = await listening();
    quiet.beforeApplicationShutdown();
    const closed = once(client, 'close');
    server.close();
    client.write('GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
    const chunks: string[] = [];
    client.setEncoding('utf8').on('data', (text: string) => chunks.push(text));
    await closed;
    expect(chunks.join('')).toMatch(/served$/);
  });

  it('closes a connection once its last answer is out', async () => {
    const { server, quiet, client } = await listening();
    const closed = once(client, 'close');
    const answering = once(server, 'request');
    client.resume().write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await answering;
    quiet.beforeApplicationShutdown();
    server.close();
    await closed;
    expect(client.destroyed).toBe(true);
    quiet.onApplicationShutdown();
  });
});
