import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { JsonObject } from '#lib/mcp-protocol';
import { startMisroutingBalancer, type MisroutingBalancer } from './misrouting-balancer.js';

const workers: Server[] = [];
let balancer: MisroutingBalancer;
/** Responses that a worker keeps open. */
let openResponses: ServerResponse[];

/** A worker that answers with its name, or opens a stream that the test writes to. */
async function startWorker(name: string): Promise<string> {
  const server = createServer((request, response) => {
    if (request.url !== '/stream') return void response.end(name);
    openResponses.push(response);
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(`data: ${name}\n\n`);
  }).listen(0, '127.0.0.1');
  workers.push(server);
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

beforeEach(async () => {
  openResponses = [];
  balancer = await startMisroutingBalancer([await startWorker('first'), await startWorker('second')]);
});

afterEach(async () => {
  await balancer.close();
  for (const worker of workers.splice(0)) {
    worker.closeAllConnections();
    worker.close();
  }
});

const send = async (method: string, path: string, init: RequestInit = {}) =>
  (await fetch(balancer.url + path, { method, ...init })).text();

const post = (method: string, params: JsonObject = {}, headers: Record<string, string> = {}) =>
  send('POST', '/mcp', { headers, body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }) });

describe('the misrouting balancer', () => {
  it('routes session openings to one worker and requests with a session id to the other', async () => {
    const session = { headers: { 'mcp-session-id': 'some' } };
    expect(await post('initialize')).toBe('first');
    expect(await post('tools/call', {}, session.headers)).toBe('second');
    expect(await send('GET', '/mcp', session)).toBe('second');
    expect(await send('DELETE', '/mcp', session)).toBe('second');
    expect(await send('GET', '/sse')).toBe('first');
    expect(await send('POST', '/messages?sessionId=some', { body: '{}' })).toBe('second');
  });

  it('alternates between the workers for requests without a session id', async () => {
    const servedBy = [];
    for (const method of ['server/discover', 'tools/list', 'tools/list', 'subscriptions/listen']) {
      servedBy.push(await post(method));
    }
    expect(servedBy).toEqual(['first', 'second', 'first', 'second']);
  });

  it('never routes a repeated call to the worker that served it before', async () => {
    const call = { name: 'ask', arguments: { about: 'it' } };
    const first = await post('tools/call', { ...call, _meta: { progressToken: 1 } });
    await post('tools/list');
    const repeated = await post('tools/call', { ...call, requestState: 'sealed', _meta: { progressToken: 2 } });
    const again = await post('tools/call', { ...call, inputResponses: {} });
    expect([first, repeated, again]).toEqual(['first', 'second', 'first']);
  });

  it('relays a stream chunk by chunk, and disconnects from the worker when the client disconnects', async () => {
    const leave = new AbortController();
    const { body } = await fetch(`${balancer.url}/stream`, { signal: leave.signal });
    const reader = body!.getReader();
    const read = async () => new TextDecoder().decode((await reader.read()).value);
    expect(await read()).toBe('data: first\n\n');
    openResponses[0]!.write('data: more\n\n');
    expect(await read()).toBe('data: more\n\n');
    const left = once(openResponses[0]!, 'close');
    leave.abort();
    await left;
  });

  it('disconnects the client when the worker aborts its response', async () => {
    const answer = await fetch(`${balancer.url}/stream`);
    const text = answer.text();
    openResponses[0]!.destroy();
    await expect(text).rejects.toThrow();
  });
});
