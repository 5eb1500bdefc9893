import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { SystemClock } from '#lib/time';
import type { ServerDefinition } from '../../registry/index.js';
import { ConnectionTest } from '../connection-test.js';
import { UpstreamConfig } from '../upstream.config.js';
import { httpServer, stdioServer } from './connector-fixture.js';
import { startScriptedServer, type ScriptedServer } from './scripted-server.js';

let folder: string;
const servers: ScriptedServer[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'isthmus-failures-'));
  await writeFile(join(folder, 'plain'), 'no program');
  await writeFile(join(folder, 'script'), '#!/no/such/interpreter\n', { mode: 0o755 });
});

afterAll(() => rm(folder, { recursive: true }));
afterEach(() => Promise.all(servers.splice(0).map((server) => server.close())));

/** Tests a server; returns what callers and what operators receive. */
async function explain(server: ServerDefinition) {
  const result = await new ConnectionTest(new UpstreamConfig(), new SystemClock()).run(server);
  if (result.reachable) throw new Error('The server can be reached.');
  return result;
}

const script = (text: string, more: Parameters<typeof stdioServer>[2] = {}) =>
  stdioServer(process.execPath, ['-e', text], more);

describe('a program that cannot be started', () => {
  it.each([
    ['is not on the PATH', () => stdioServer('no-such-program', []), /^the program "no-such-program" was not found/],
    ['does not exist', () => stdioServer('./none', [], { cwd: folder }), /^the program "\.\/none" does not exist/],
    ['may not be executed', () => stdioServer('./plain', [], { cwd: folder }), /"\.\/plain" may not be executed/],
    [
      'has no interpreter',
      () => stdioServer('./script', [], { cwd: folder }),
      /^the interpreter of the program "\.\/script"/,
    ],
    [
      'has no folder',
      () => script('', { cwd: join(folder, 'gone') }),
      /^the working directory ".*gone" does not exist$/,
    ],
    ['has a file as its folder', () => script('', { cwd: join(folder, 'plain') }), /plain" is not a folder$/],
    ['is no valid name', () => stdioServer('a\u0000b', []), /could not be started: .*null bytes/],
  ])('because it %s is named', async (_why, definition, detail) => {
    const { detail: told, reason } = await explain(definition());
    expect(told).toMatch(detail);
    expect(reason).not.toMatch(/no-such-program|plain|script|gone|isthmus-failures/);
  });
});

describe('a process that ends', () => {
  it('is explained by its last lines on stderr, without the values of its variables', async () => {
    const text = `for (let n = 1; n < 20; n += 1) console.error('\\u001b[31mline ' + n + ' ' + process.env.KEY); process.exit(3);`;
    const { detail, reason } = await explain(script(text, { env: { KEY: 'hunter-2-is-secret' } }));
    const lines = Array.from({ length: 10 }, (_, index) => `line ${index + 10} [hidden]`).join(' | ');
    expect(detail).toBe(`the process ended with code 3; its last lines on stderr: ${lines}`);
    expect(reason).toBe('Upstream could not be reached: the process ended with code 3');
  });

  it('is explained by its last lines on stdout when it printed nothing else', async () => {
    const { detail } = await explain(script(`console.log('Usage: server [options]'); process.exitCode = 1;`));
    expect(detail).toBe('the process ended with code 1; its last lines on stdout: Usage: server [options]');
  });

  it('or does not answer is explained by its last lines', async () => {
    const silent = `console.error('Waiting for the database'); setInterval(() => {}, 1000);`;
    const timeouts = { connectMs: 500, requestMs: 500 };
    const { detail } = await explain(script(silent, { timeouts }));
    expect(detail).toBe('the process did not answer in time; its last lines on stderr: Waiting for the database');
  });
});

describe('a server that cannot be reached', () => {
  it('is explained by the target of its redirect, without credentials and query', async () => {
    const server = await startScriptedServer(({ response }) => {
      response.writeHead(308, { location: 'https://me:secret@other.example/v2/mcp?key=secret' }).end();
    });
    servers.push(server);
    const { detail, reason } = await explain(httpServer(server.url));
    expect(detail).toBe('it redirects to https://other.example/v2/mcp (HTTP 308); redirects are not followed');
    expect(reason).not.toContain('other.example');
  });

  it('is explained by the path of a relative redirect, which may repeat credentials and arguments', async () => {
    const server = await startScriptedServer(({ response }) => {
      response.writeHead(301, { location: '/v2/mcp/?key=secret&q=argument' }).end();
    });
    servers.push(server);
    const { detail } = await explain(httpServer(server.url));
    expect(detail).toBe('it redirects to /v2/mcp/ (HTTP 301); redirects are not followed');
  });

  it('is explained by its address, which callers are not told', async () => {
    const server = await startScriptedServer(() => undefined);
    await server.close();
    const { host } = new URL(server.url);
    const { detail, reason } = await explain(httpServer(server.url));
    expect(detail).toBe(`the connection failed: connect ECONNREFUSED ${host}`);
    expect(reason).not.toContain(host);
  });
});
