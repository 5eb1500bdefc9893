/** A gateway whose event loop was blocked takes its own lateness for no failure of a server or client (ADR 32). */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { scaleDeadline } from '#lib/testing/machine-speed';
import { CLIENT_TRANSPORTS, rawClient, type RawClient } from '#lib/testing/raw-client';
import { startGateway, type TestGateway } from '../support/gateway.js';
import { until } from '../support/until.js';

/** A legacy server over HTTP or stdio. It records each call and each answer in a file, and answers while the gateway is blocked. */
const SCRIPT = `
  const { appendFileSync } = require('node:fs');
  const [way, arrivals, answers] = process.argv.slice(1);
  const answer = ({ id, method }, reply) => {
    const result = (value, sent) => reply(JSON.stringify({ jsonrpc: '2.0', id, result: value }), sent);
    if (method === 'initialize')
      return result({ protocolVersion: '2025-11-25', capabilities: { tools: {} }, serverInfo: { name: 'a', version: '1' } });
    if (method === 'tools/list') return result({ tools: [{ name: 'work', inputSchema: { type: 'object' } }] });
    if (method !== 'tools/call') return reply(JSON.stringify({ jsonrpc: '2.0', id, error: { code: -32601, message: 'no' } }));
    appendFileSync(arrivals, '.');
    setTimeout(() => result({ content: [{ type: 'text', text: 'done' }] }, () => appendFileSync(answers, '.')), 100);
  };
  if (way === 'stdio')
    require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
      const message = JSON.parse(line);
      if (message.id !== undefined) answer(message, (text, sent) => process.stdout.write(text + '\\n', sent));
    });
  else
    require('node:http').createServer((request, response) => {
      let body = '';
      request.on('data', (chunk) => (body += chunk)).on('end', () => {
        const message = body === '' ? {} : JSON.parse(body);
        if (request.method !== 'POST') return response.writeHead(405).end();
        if (message.id === undefined) return response.writeHead(202).end();
        response.setHeader('content-type', 'application/json');
        answer(message, (text, sent) => response.end(text, sent));
      });
    }).listen(0, '127.0.0.1', function () { console.log(this.address().port); });
`;

const REQUEST_TIMEOUT_MS = scaleDeadline(2_000);

const pauseThread = (ms: number) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);

/**
 * Blocks this thread, at least so long and until the servers have sent so many answers. The timers are what runs next: after
 * the immediates, before anything is read.
 */
const blockThread = (ms: number, answerCount: number): Promise<void> =>
  new Promise((resolve) =>
    setImmediate(() => {
      pauseThread(ms);
      while (readFileSync(answers).length < answerCount) pauseThread(10);
      resolve();
    }),
  );

let folder: string;
let arrivals: string;
let answers: string;
let server: ChildProcess;
let gateway: TestGateway;
const clients: RawClient[] = [];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'isthmus-late-'));
  arrivals = join(folder, 'arrivals');
  answers = join(folder, 'answers');
  for (const file of [arrivals, answers]) writeFileSync(file, '');
  const argumentsOf = (way: string) => ['-e', SCRIPT, way, arrivals, answers];
  server = spawn(process.execPath, argumentsOf('http'), { stdio: ['ignore', 'pipe', 'inherit'] });
  const [port] = (await once(server.stdout!, 'data')) as [Buffer];
  const timeouts = { request: `${REQUEST_TIMEOUT_MS}ms` };
  gateway = await startGateway({
    servers: {
      http: { transport: 'http', url: `http://127.0.0.1:${String(port).trim()}/mcp`, timeouts },
      stdio: { transport: 'stdio', command: process.execPath, args: argumentsOf('stdio'), timeouts },
    },
  });
});

afterAll(async () => {
  await Promise.all(clients.map((client) => client.close()));
  await gateway?.close();
  server?.kill();
  rmSync(folder, { recursive: true });
});

describe('an event loop that was blocked for longer than the timeout of a request', () => {
  it('does not turn answers that arrived meanwhile into timeouts, over any transport', async () => {
    const token = await gateway.token();
    const names: string[] = [];
    for (const slug of ['http', 'stdio']) {
      for (const transport of CLIENT_TRANSPORTS) {
        const client = rawClient(transport, `${gateway.url}/servers/${slug}`, { token });
        clients.push(client);
        await client.connect();
        await client.request('tools/list');
        names.push(`${transport} to ${slug}`);
      }
    }
    const calls = clients.map((client) => client.request('tools/call', { name: 'work', arguments: {} }));
    await until(() => readFileSync(arrivals).length === calls.length);
    await blockThread(REQUEST_TIMEOUT_MS + 500, calls.length);
    const done = { result: { content: [{ type: 'text', text: 'done' }] } };
    const outcomes = (await Promise.all(calls)).map((call, index) => [names[index], call.answers]);
    expect(outcomes).toEqual(
      names.map((name) => [name, [expect.objectContaining({ result: expect.objectContaining(done.result) })]]),
    );
  });
});
