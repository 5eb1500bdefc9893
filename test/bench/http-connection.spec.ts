import { createServer, type Server, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { HttpConnection, headerValue } from './http-connection.js';

let server: Server | undefined;
let connection: HttpConnection | undefined;

/** Starts a server that writes the pieces one by one, each after the previous one was sent. */
function answering(...pieces: string[]): Promise<HttpConnection> {
  const serve = (socket: Socket): void => {
    const write = ([piece, ...rest]: string[]): void => {
      if (piece !== undefined) socket.write(piece, () => setImmediate(write, rest));
    };
    socket.setNoDelay(true).on('data', () => write(pieces));
    socket.on('error', () => undefined);
  };
  return new Promise((resolve) => {
    const own = createServer(serve).listen(0, '127.0.0.1', () => {
      connection = new HttpConnection('127.0.0.1', (own.address() as AddressInfo).port);
      resolve(connection);
    });
    server = own;
  });
}

describe('HttpConnection', () => {
  afterEach(() => {
    connection?.close();
    server?.close();
  });

  it('reads an answer with Content-Length that arrives in pieces, and the next one on the same connection', async () => {
    const client = await answering('HTTP/1.1 200 OK\r\nContent-', 'Length: 5\r\nX-A: b\r\n\r\nhe', 'llo');
    const answer = await client.exchange(Buffer.from('x'));
    expect(answer).toMatchObject({ status: 200, body: 'hello' });
    expect(headerValue(answer.head, 'x-a')).toBe('b');
    expect(await client.exchange(Buffer.from('x'))).toMatchObject({ status: 200, body: 'hello' });
  });

  it('reads a chunked answer up to the last chunk', async () => {
    const head = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n';
    const client = await answering(head, '4\r\ndata\r\n', '0\r\n', '\r\n');
    expect((await client.exchange(Buffer.from('x'))).body).toContain('data');
  });

  it('reads an empty answer', async () => {
    const client = await answering('HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n');
    expect(await client.exchange(Buffer.from('x'))).toMatchObject({ status: 202, body: '' });
  });

  it('rejects the request when the connection is closed', async () => {
    const client = await answering();
    server?.on('connection', (socket) => socket.destroy());
    await expect(client.exchange(Buffer.from('x'))).rejects.toThrow();
    expect(client.open).toBe(false);
  });
});
