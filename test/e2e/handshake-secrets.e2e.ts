/** A server that repeats in its refusals the key that its entry gives to it. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { CLIENT_TRANSPORTS, rawClient } from '#lib/testing/raw-client';
import { startGateway, type TestGateway } from '../support/gateway.js';

const KEY = 'mellon-4711-friend';

let server: Server;
let gateway: TestGateway;
let token: string;

beforeAll(async () => {
  server = createServer((request, response) => {
    response.writeHead(401, { 'content-type': 'text/plain' }).end(`unknown key ${String(request.headers['x-key'])}`);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const entry = { transport: 'http', url: `http://127.0.0.1:${port}/mcp`, headers: { 'X-Key': KEY } };
  gateway = await startGateway({ servers: { x: { ...entry, allowUnknownMethods: true } } });
  token = await gateway.token();
});

afterAll(async () => {
  await gateway?.close();
  server.closeAllConnections();
  server.close();
});

it.each(CLIENT_TRANSPORTS)('does not show its key to a client that connects over %s', async (transport) => {
  const client = rawClient(transport, `${gateway.url}/servers/x`, { token });
  const answers = [await client.connect(), await client.request('tools/list')];
  await client.close();
  const text = JSON.stringify(answers);
  expect(text).toContain('unknown key [hidden]');
  expect(text).not.toContain(KEY);
});

it('does not show its key in the answer to a notification', async () => {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  const body = JSON.stringify({ jsonrpc: '2.0', method: 'acme/note', params: {} });
  const answer = await fetch(`${gateway.url}/servers/x/rpc`, { method: 'POST', headers, body });
  const text = await answer.text();
  expect([answer.status, text]).toEqual([502, expect.stringContaining('unknown key [hidden]')]);
});
