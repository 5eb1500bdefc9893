/** Audit records of calls: which are recorded, how they are found and exported, and what happens while a sink is down. */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { JsonObject } from '#lib/mcp-protocol';
import { startReferenceServer, type ReferenceServer } from '#lib/testing/reference-server';
import { CLIENTS } from '../matrix/clients.js';
import { AdminClient } from '../support/admin-client.js';
import { GatewayProcess } from '../support/gateway-process.js';
import { startGateway, type GatewaySetup, type TestGateway } from '../support/gateway.js';
import { until } from '../support/until.js';

const SECRET = 'a-credential-in-the-arguments';

let server: ReferenceServer;
let gateway: TestGateway | undefined;
let folder: string;

beforeAll(async () => {
  server = await startReferenceServer({ era: 'modern', transport: 'http' });
  folder = await mkdtemp(join(tmpdir(), 'isthmus-audited-'));
});

afterEach(() => gateway?.close());

afterAll(async () => {
  await server.close();
  await rm(folder, { recursive: true });
});

async function start(env: Record<string, string>, more: object = {}, setup: Partial<GatewaySetup> = {}) {
  gateway = await startGateway({ servers: { one: { transport: 'http', url: server.url, ...more } }, env, ...setup });
  return { gateway, admin: new AdminClient(gateway, ['auditor'], 'otto') };
}

const callBody = (args: object, name = 'one__echo') =>
  JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name, arguments: args } });

async function call(at: TestGateway, args: object, token?: string): Promise<Response> {
  const authorization = `Bearer ${token ?? (await at.token({ subject: 'ada' }))}`;
  const headers = { authorization, 'content-type': 'application/json' };
  return fetch(`${at.url}/rpc`, { method: 'POST', headers, body: callBody(args) });
}

/** Runs `isthmus audit` from the build. */
function audit(args: readonly string[], env: Record<string, string>): Promise<{ code: number; text: string }> {
  const cli = join(process.cwd(), 'bin/isthmus.mjs');
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [cli, 'audit', ...args],
      { env: { PATH: process.env['PATH'] ?? '', ...env } },
      (fault, out, err) => resolve({ code: typeof fault?.code === 'number' ? fault.code : 0, text: out + err }),
    );
  });
}

const itemsOf = async (admin: AdminClient, at: TestGateway, query: string) =>
  (await admin.get(at, `/audit?${query}`)).json['items'] as JsonObject[];

describe.each(CLIENTS)('with ISTHMUS_AUDIT_CALLS=all, a call of $name', (kind) => {
  it('is found by its server and tool, with a digest of its arguments', async () => {
    const { gateway: at, admin } = await start({ ISTHMUS_AUDIT_CALLS: 'all' });
    const token = await at.token({ subject: 'ada' });
    const client = await kind.connect({ url: `${at.url}/servers/one/${kind.path}`, token });
    for (const text of ['hello', SECRET, 'hello']) await client.call('echo', { text });
    await client.close();
    const found = await itemsOf(admin, at, 'kind=call&server=one&item=echo&subject=ada');
    expect(found).toHaveLength(3);
    expect(found[0]).toMatchObject({
      subject: 'ada',
      address: '127.0.0.1',
      outcome: 'done',
      call: {
        server: 'one',
        item: 'echo',
        rpcMethod: 'tools/call',
        execution: 'executed',
        requestId: expect.any(String),
        totalMs: expect.any(Number),
        serverMs: expect.any(Number),
      },
      chain: { hash: expect.any(String) },
    });
    const digests = found.map((record) => (record['call'] as JsonObject)['argumentsDigest']);
    expect(digests[0]).toBe(digests[2]);
    expect(digests[0]).not.toBe(digests[1]);
    expect(JSON.stringify(found)).not.toContain(SECRET);
    expect((await admin.get(at, `/audit/${found[1]!['id'] as string}`)).json).toEqual(found[1]);
    expect(await admin.get(at, '/audit/none')).toMatchObject({ status: 404 });
    const { requestId = '' } = found[0]!['call'] as JsonObject;
    expect(await itemsOf(admin, at, `requestId=${requestId as string}`)).toEqual([found[0]]);
    expect(await itemsOf(admin, at, 'kind=call&item=other')).toEqual([]);
    expect(await itemsOf(admin, at, 'kind=chain')).toMatchObject([{ chainEvent: { event: 'started' } }]);
  });
});

describe('audit records of calls', () => {
  it('contain arguments without credentials for a server that says so, and are exported as CSV', async () => {
    const { gateway: at } = await start({ ISTHMUS_AUDIT_CALLS: 'none' }, { audit: 'all', auditArguments: true });
    await call(at, { text: '=1+1', password: SECRET });
    const token = await at.token({ roles: ['auditor'] });
    const get = async (format: string) => {
      const url = `${at.url}/admin/v1/audit/export?kind=call&format=${format}`;
      const response = await fetch(url, { headers: { authorization: `Bearer ${token}` } });
      return response.text();
    };
    const lines = (await get('jsonl')).trim().split('\n');
    expect(lines.map((line) => JSON.parse(line) as JsonObject)).toMatchObject([
      { call: { arguments: { text: '=1+1', password: '[redacted]' } } },
    ]);
    const [header, row, ...others] = (await get('csv')).trim().split('\r\n');
    expect(header).toMatch(/^id,at,issuer,subject,/);
    expect(row).toContain(',ada,');
    expect([others, lines.join().includes(SECRET)]).toEqual([[], false]);
  });

  it('exist by default only for refused calls, once a minute with their count', async () => {
    const limits = { slow: { servers: ['one'], rate: '1/1h' } };
    const { gateway: at, admin } = await start({}, {}, { limits });
    const token = await at.token({ subject: 'ada' });
    for (let count = 0; count < 4; count += 1) await call(at, { text: 'x' }, token);
    const found = await itemsOf(admin, at, 'kind=call');
    const common = {
      subject: 'ada',
      outcome: 'refused',
      status: 429,
      call: { server: 'one', item: 'echo', code: -31003 },
    };
    expect(found).toMatchObject([{ ...common, count: 2 }, common]);
  });

  it('do not exist with audit: none', async () => {
    const { gateway: at, admin } = await start({ ISTHMUS_AUDIT_CALLS: 'all' }, { audit: 'none' });
    await call(at, { text: 'x' });
    expect(await itemsOf(admin, at, 'kind=call')).toEqual([]);
  });

  it('are refused when they cannot be written and the operator wants that, and written afterwards', async () => {
    const file = join(folder, 'missing', 'audit.jsonl');
    const { gateway: at, admin } = await start({
      ISTHMUS_AUDIT_CALLS: 'all',
      ISTHMUS_AUDIT_BUFFER: '1000',
      ISTHMUS_AUDIT_WHEN_FULL: 'refuse-calls',
      ISTHMUS_AUDIT_STREAMS: `file://${file}`,
    });
    const token = await at.token({ subject: 'ada' });
    let last = new Response();
    await until(async () => {
      const answers = await Promise.all(Array.from({ length: 50 }, () => call(at, { text: 'x' }, token)));
      last = answers.at(-1)!;
      return last.status === 503;
    });
    const { error } = (await last.json()) as { error: { code: number; data: object } };
    expect(error).toMatchObject({ code: -31012, data: { outcome: 'not_executed', retriable: true } });
    expect(last.headers.get('retry-after')).toBe('5');
    const ready = await fetch(`${at.url}/health/ready`);
    expect([ready.status, await ready.json()]).toMatchObject([200, { status: 'ready', impaired: ['audit'] }]);
    expect(await itemsOf(admin, at, 'kind=call&outcome=failed')).toEqual([]);
  });
});

describe('isthmus audit verify', () => {
  it('finds nothing after kill -9, reports the abrupt end, and names an altered line', async () => {
    const data = join(folder, 'data');
    const [config, stream] = [join(folder, 'isthmus.json'), join(folder, 'audit.jsonl')];
    await writeFile(config, JSON.stringify({ servers: { one: { transport: 'http', url: server.url, public: true } } }));
    const env = { ISTHMUS_DATA_DIR: data };
    const process = new GatewayProcess({
      ...env,
      ISTHMUS_CONFIG: config,
      ISTHMUS_PORT: '0',
      ISTHMUS_AUDIT_CALLS: 'all',
      ISTHMUS_AUDIT_STREAMS: `file://${stream}`,
    });
    try {
      const [, url = ''] = await process.printed(/ready at (http:\/\/\S+)\/mcp/);
      const headers = { 'content-type': 'application/json' };
      for (let count = 0; count < 5; count += 1)
        await fetch(`${url}/servers/one/rpc`, { method: 'POST', headers, body: callBody({ text: 'x' }, 'echo') });
      await until(async () => (await readFile(stream, 'utf8').catch(() => '')).split('\n').length === 7);
      await until(async () => (await audit(['verify'], env)).text.includes('Checked 6 records'));
    } finally {
      await process.destroy();
    }
    expect(await audit(['verify'], env)).toEqual({
      code: 0,
      text: expect.stringMatching(
        /^The chain of worker \S+ is open.*\nChecked 6 records in 1 chains: nothing is broken\.\n$/,
      ),
    });
    const text = await readFile(stream, 'utf8');
    expect(await audit(['verify', '--file', stream], env)).toEqual({
      code: 0,
      text: expect.stringMatching(/has no end: the worker runs or ended abruptly/),
    });
    await writeFile(stream, text.replace(/("sequence":4.*\n.*)"item":"echo"/, '$1"item":"other"'));
    const broken = await audit(['verify', '--file', stream], env);
    expect(broken).toEqual({
      code: 1,
      text: expect.stringMatching(/^BROKEN: Record 5 of worker \S+ \(line 5 of \S+\) was altered\./),
    });
    expect(await audit(['verify', '--since', 'yesterday'], env)).toMatchObject({ code: 2 });
    expect(await audit(['verify', '--file', join(folder, 'nowhere')], env)).toMatchObject({ code: 2 });
    const other = { ISTHMUS_DATA_DIR: join(folder, 'other') };
    expect(await audit(['verify'], other)).toMatchObject({
      code: 2,
      text: expect.stringMatching(/Set ISTHMUS_DATA_DIR/),
    });
  });
});
