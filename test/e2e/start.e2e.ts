import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { startReferenceServer } from '#lib/testing/reference-server';
import { until } from '../support/until.js';
import { GatewayProcess } from '../support/gateway-process.js';

const run = promisify(execFile);
const READY = /Isthmus is ready at (http:\/\/\S+)\/mcp/;

let folder: string;
let running: GatewayProcess[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'isthmus-start-'));
  running = [];
});

afterEach(async () => {
  for (const gateway of running) await gateway.destroy();
  await rm(folder, { recursive: true, force: true });
});

function start(variables: Record<string, string> = {}, args: string[] = []): GatewayProcess {
  const gateway = new GatewayProcess({ ISTHMUS_DATA_DIR: join(folder, 'data'), ISTHMUS_PORT: '0', ...variables }, args);
  running.push(gateway);
  return gateway;
}

/** The token that the snippet for mcp.json holds. */
async function tokenIn(gateway: GatewayProcess): Promise<string> {
  const [, token = ''] = await gateway.printed(/"Authorization": "Bearer (\S+)"/);
  return token;
}

describe('the first start', () => {
  let home: string;
  let gateway: GatewayProcess;

  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'isthmus-first-start-'));
    gateway = new GatewayProcess({ ISTHMUS_DATA_DIR: join(home, 'data'), ISTHMUS_PORT: '0' });
    await gateway.printed(/^A token for the admin API: /m);
  });

  afterAll(async () => {
    await gateway.destroy();
    await rm(home, { recursive: true, force: true });
  });

  it('prints its greeting before anything else, and a call that works when it is pasted', async () => {
    expect(gateway.output).toMatch(/^\nIsthmus is ready at http:/);
    const [line] = await gateway.printed(/^curl -s .*$/m);
    const { stdout } = await run('bash', ['-c', line]);
    expect(JSON.parse(stdout)).toEqual({
      jsonrpc: '2.0',
      id: 1,
      result: { content: [{ type: 'text', text: 'Hello across the isthmus' }] },
    });
  });

  it('prints an mcp.json snippet with a working endpoint and token', async () => {
    const [snippet] = await gateway.printed(/^\{[\s\S]*?^\}/m);
    const { url, headers } = (JSON.parse(snippet) as Snippet).mcpServers.isthmus;
    const answer = await fetch(url, {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params: { protocolVersion: '2025-11-25' } }),
    });
    expect(answer.status).toBe(200);
    expect(answer.headers.get('mcp-session-id')).toBeTruthy();
  });

  it('prints tokens of role user only, and the command that creates an admin token, when the output is not a terminal', () => {
    const tokens = gateway.output.match(/eyJ[\w-]+\.[\w-]+\.[\w-]+/g) ?? [];
    expect(tokens.map((token) => claimsOf(token)['roles'])).toEqual([['user'], ['user']]);
    expect(gateway.output).toMatch(/^A token for the admin API: npm run token -- --subject \S+ --role admin/m);
  });

  it('stores its secrets readable for the owner only, and prints none of them', async () => {
    const data = join(home, 'data');
    expect((await stat(data)).mode & 0o777).toBe(0o700);
    for (const file of await readdir(data)) expect((await stat(join(data, file))).mode & 0o777).toBe(0o600);
    const secret = await readFile(join(data, 'jwt.secret'), 'utf8');
    expect(gateway.output).not.toContain(secret.trim());
  });
});

describe('the first start with an existing configuration file', () => {
  it('prints a call that the configured servers can answer', async () => {
    const file = join(folder, 'isthmus.json');
    await writeFile(file, JSON.stringify({ servers: {} }));
    const gateway = start({ ISTHMUS_CONFIG: file });
    const [line] = await gateway.printed(/^curl -s .*$/m);
    const { stdout } = await run('bash', ['-c', line]);
    expect(JSON.parse(stdout)).toMatchObject({ id: 1, result: { tools: [] } });
  });
});

describe('a later start', () => {
  it('reuses the secrets and the configuration, and prints no token', async () => {
    const first = start();
    const token = await tokenIn(first);
    await first.exit('SIGTERM');
    const second = start();
    const [, url] = await second.printed(READY);
    expect(second.output).not.toMatch(/eyJ/);
    const answer = await fetch(`${url}/rpc`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list' }),
    });
    expect(answer.status).toBe(200);
  });
});

describe('a start with invalid settings', () => {
  it('reports every invalid and unknown setting together and exits with 1', async () => {
    const gateway = start({ ISTHMUS_PORT: 'four', ISTHMUS_PRT: '1', ISTHMUS_MAX_SESSIONS: '-1' });
    expect(await gateway.exit()).toBe(1);
    for (const name of ['ISTHMUS_PORT', 'ISTHMUS_PRT', 'ISTHMUS_MAX_SESSIONS']) expect(gateway.output).toContain(name);
    expect(gateway.output).not.toMatch(/\n\s+at /);
  });

  it('reports every fault of the configuration file with its position', async () => {
    const file = join(folder, 'isthmus.yaml');
    await writeFile(file, 'servers:\n  a: { transport: http, url: nonsense }\n  b: { transport: htpp }\n');
    const gateway = start({ ISTHMUS_CONFIG: file });
    expect(await gateway.exit()).toBe(1);
    expect(gateway.output).toContain('servers.a.url');
    expect(gateway.output).toContain('servers.b.transport');
  });

  it('reports an unknown flag and lists the known ones', async () => {
    const gateway = start({}, ['--prot', '5']);
    expect(await gateway.exit()).toBe(2);
    expect(gateway.output).toContain('--prot');
    expect(gateway.output).toContain('--port');
  });
});

describe('a gateway that receives SIGTERM', () => {
  it('accepts no new connections and finishes the in-flight call', async () => {
    const server = await startReferenceServer({ era: 'modern', transport: 'http' });
    try {
      const file = join(folder, 'isthmus.json');
      await writeFile(file, JSON.stringify({ servers: { ref: { transport: 'http', url: server.url, public: true } } }));
      const gateway = start({ ISTHMUS_CONFIG: file });
      const [, url = ''] = await gateway.printed(READY);
      const held = callTool(url, 'hold', { key: 'door' });
      await server.calls.until('hold', 'started', 1);
      const exiting = gateway.exit('SIGTERM');
      await gateway.printed(/Draining/);
      const isRefused = () =>
        callTool(url, 'echo', { text: 'late' }).then(
          () => false,
          () => true,
        );
      await until(isRefused);
      server.world.release('door');
      const answer = await held;
      expect(answer.status).toBe(200);
      expect(((await answer.json()) as { result: object }).result).toHaveProperty('content');
      expect(await exiting).toBe(0);
    } finally {
      await server.close();
    }
  });

  it('ends its child processes and exits with 0', async () => {
    const gateway = start();
    const [line] = await gateway.printed(/^curl -s .*$/m);
    await run('bash', ['-c', line]);
    const children = await childrenOf(gateway.pid);
    expect(children.length).toBeGreaterThan(0);
    expect(await gateway.exit('SIGTERM')).toBe(0);
    for (const child of children) expect(isAlive(child)).toBe(false);
  });
});

function claimsOf(token: string): Record<string, unknown> {
  const [, claims = ''] = token.split('.');
  return JSON.parse(Buffer.from(claims, 'base64url').toString()) as Record<string, unknown>;
}

function callTool(url: string, name: string, args: object): Promise<Response> {
  return fetch(`${url}/servers/ref/rpc`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name, arguments: args } }),
  });
}

interface Snippet {
  readonly mcpServers: { readonly isthmus: { readonly url: string; readonly headers: Record<string, string> } };
}

async function childrenOf(pid: number): Promise<number[]> {
  const { stdout } = await run('ps', ['-o', 'pid=', '--ppid', String(pid)]);
  return stdout.split('\n').flatMap((line) => (line.trim() === '' ? [] : [Number(line)]));
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
