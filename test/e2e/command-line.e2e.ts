import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startReferenceServer, type ReferenceServer } from '#lib/testing/reference-server';
import { GatewayProcess } from '../support/gateway-process.js';

const CTRL_C = '\u0003';
const PROGRAM = join(process.cwd(), 'bin/isthmus.mjs');

interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

let folder: string;
let server: ReferenceServer;
let gateway: GatewayProcess;
let url: string;

/** Runs `isthmus` with these arguments, as from the shell of the machine that runs the gateway. */
function isthmus(args: readonly string[], variables: Readonly<Record<string, string>> = {}): Promise<Ended> {
  const env = { PATH: process.env['PATH'] ?? '', ISTHMUS_DATA_DIR: join(folder, 'data'), ...variables };
  return new Promise((resolve) => {
    execFile(process.execPath, [PROGRAM, ...args], { env }, (fault, out, err) => {
      resolve({ code: fault === null ? 0 : Number(fault.code), out, err });
    }).stdin?.end();
  });
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'isthmus-command-'));
  server = await startReferenceServer({ era: 'modern', transport: 'http' });
  const config = join(folder, 'isthmus.json');
  await writeFile(config, JSON.stringify({ servers: { ref: { transport: 'http', url: server.url } } }));
  gateway = new GatewayProcess({ ISTHMUS_DATA_DIR: join(folder, 'data'), ISTHMUS_PORT: '0', ISTHMUS_CONFIG: config });
  [, url = ''] = await gateway.printed(/Isthmus is ready at (http:\/\/\S+)\/mcp/);
});

afterAll(async () => {
  await gateway.destroy();
  await server.close();
  await rm(folder, { recursive: true, force: true });
});

describe('isthmus call', () => {
  it('calls a tool of the gateway on this machine without a token', async () => {
    const ended = await isthmus(['call', 'ref__add', 'a:=2', 'b:=3', '--url', `${url}/mcp`]);
    expect(ended).toEqual({ code: 0, out: '{"sum":5}\n', err: '' });
  });

  it('prints the whole result with --json', async () => {
    const { out } = await isthmus(['call', 'ref__add', '--args', '{"a":2,"b":3}', '--url', `${url}/mcp`, '--json']);
    expect(JSON.parse(out)).toMatchObject({ content: [{ type: 'text', text: '{"sum":5}' }] });
  });

  it('ends with 1 when the tool reports an error', async () => {
    const ended = await isthmus(['call', 'ref__test_error_handling', '--url', `${url}/mcp`]);
    expect(ended).toMatchObject({ code: 1, out: expect.stringContaining('error') });
  });

  it('ends with 3 when the call was not executed, and prints the error of the gateway', async () => {
    await server.close();
    try {
      const ended = await isthmus(['call', 'ref__add', 'a:=2', 'b:=3', '--url', `${url}/mcp`, '--json']);
      expect(ended.code).toBe(3);
      expect(JSON.parse(ended.out)).toMatchObject({ error: { data: { outcome: 'not_executed' } } });
    } finally {
      server = await startReferenceServer({ era: 'modern', transport: 'http', port: Number(new URL(server.url).port) });
    }
  });

  it('ends with 3 and says what to do when nothing listens, the token is refused, or the path is no endpoint', async () => {
    const nobody = await isthmus(['call', 'ref__add', '--url', 'http://127.0.0.1:9/mcp']);
    expect(nobody).toMatchObject({
      code: 3,
      err: expect.stringMatching(/127\.0\.0\.1:9\/mcp: .*(refused|ECONNREFUSED|bad port)/i),
    });
    const refused = await isthmus(['call', 'ref__add', '--url', `${url}/mcp`, '--token', 'wrong']);
    expect(refused).toMatchObject({ code: 3, err: expect.stringMatching(/HTTP 401\. .*isthmus token/) });
    const nowhere = await isthmus(['call', 'ref__add', '--url', `${url}/nothing`]);
    expect(nowhere).toMatchObject({ code: 3, err: expect.stringMatching(/HTTP 404\. .*\/mcp/) });
  });
});

describe('isthmus call at a terminal', () => {
  /** Runs a call in a terminal of its own. `types` is written once the program has printed the text before it. */
  function callAtTerminal(args: readonly string[], types: readonly (readonly [prompt: string, keys: string])[] = []) {
    // Without `exec`, the shell would receive Ctrl-C as well.
    const command = ['exec', process.execPath, PROGRAM, 'call', ...args, '--url', `${url}/mcp`].join(' ');
    const env = { PATH: process.env['PATH'] ?? '', ISTHMUS_DATA_DIR: join(folder, 'data'), TERM: 'dumb' };
    const child = spawn('script', ['-qefc', command, '/dev/null'], { env });
    let shown = '';
    const left = [...types];
    child.stdout.on('data', (chunk: Buffer) => {
      shown += chunk.toString();
      const [next] = left;
      if (next === undefined || !shown.includes(next[0])) return;
      left.shift();
      child.stdin.write(next[1]);
    });
    const ended = once(child, 'close').then(([code]) => ({ code: code as number, shown }));
    return { ended, type: (keys: string) => child.stdin.write(keys) };
  }

  it('asks the question of the tool and sends the confirmed answer', async () => {
    const call = callAtTerminal(
      ['ref__test_elicitation', 'message=Who?'],
      [
        ['username', 'ada\r'],
        ['email', 'ada@example.com\r'],
        ['accept, decline or cancel?', 'accept\r'],
      ],
    );
    expect(await call.ended).toMatchObject({ code: 0, shown: expect.stringContaining('ada@example.com') });
  });

  it('ends with 4 after Ctrl-C at a question', async () => {
    const call = callAtTerminal(['ref__test_elicitation', 'message=Who?'], [['username', CTRL_C]]);
    expect(await call.ended).toMatchObject({ code: 4, shown: expect.stringContaining('Interrupted. It is unknown') });
  });

  it('ends with 4 after Ctrl-C while the tool runs', async () => {
    const call = callAtTerminal(['ref__hold', 'key=terminal']);
    await server.calls.until('hold', 'started', 1);
    call.type(CTRL_C);
    expect(await call.ended).toMatchObject({ code: 4, shown: expect.stringContaining('Interrupted. It is unknown') });
  });
});

describe('isthmus check', () => {
  it('accepts a valid file and counts its entries', async () => {
    const ended = await isthmus(['check', join(folder, 'isthmus.json')]);
    expect(ended).toEqual({ code: 0, out: `${join(folder, 'isthmus.json')}: valid (servers: 1)\n`, err: '' });
  });

  it('names every fault of a file, and every variable that is not set', async () => {
    const file = join(folder, 'faulty.yaml');
    await writeFile(
      file,
      [
        'servers:',
        "  a: { transport: http, url: 'ftp://x', timeout: 1 }",
        "  b: { transport: http, url: 'https://${UNSET}/mcp' }",
        'sevrers: {}',
      ].join('\n'),
    );
    const ended = await isthmus(['check', file, '--json']);
    expect(ended.code).toBe(1);
    const { valid, faults } = JSON.parse(ended.out) as { valid: boolean; faults: { path: string; message: string }[] };
    expect(valid).toBe(false);
    expect(faults.map(({ path }) => path)).toEqual(
      expect.arrayContaining(['servers.a.url', 'servers.a.timeout', 'servers.b.url', 'sevrers']),
    );
    expect(await isthmus(['check', file], { UNSET: 'example.com' })).toMatchObject({
      code: 1,
      out: expect.not.stringContaining('UNSET'),
    });
  });

  it('warns of a server that only the database could know', async () => {
    const file = join(folder, 'reference.yaml');
    await writeFile(file, 'policies:\n  p: { effect: deny, servers: [elsewhere] }\n');
    const { code, out } = await isthmus(['check', file]);
    expect(code).toBe(0);
    expect(out).toContain('policies.p.servers[0]: No server has this name.');
  });

  it('says that a file cannot be read', async () => {
    expect(await isthmus(['check', join(folder, 'missing.yaml')])).toMatchObject({
      code: 1,
      out: expect.stringContaining('The file cannot be read'),
    });
  });
});

describe('isthmus audit', () => {
  it('ends with 2 and creates nothing where there is no key', async () => {
    const missing = join(folder, 'missing');
    for (const args of [['verify'], ['digest', '{}']]) {
      expect(await isthmus(['audit', ...args], { ISTHMUS_DATA_DIR: missing })).toEqual({
        code: 2,
        out: '',
        err: `There is no ${join(missing, 'credentials.secret')}. Set ISTHMUS_DATA_DIR to the data folder of the gateway.\n`,
      });
      expect(existsSync(missing)).toBe(false);
    }
  });

  it('reads the key of the gateway', async () => {
    expect(await isthmus(['audit', 'digest', '{}'])).toMatchObject({ code: 0, out: expect.stringMatching(/^\S+\n$/) });
    expect(await isthmus(['audit', 'verify'])).toMatchObject({ code: 0 });
  });
});

describe('isthmus token', () => {
  it('prints a token that the gateway accepts, and nothing else', async () => {
    const { out } = await isthmus(['token', '--subject', 'ada', '--role', 'user']);
    expect(out).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+\n$/);
    const called = await isthmus(['call', 'ref__add', 'a:=1', 'b:=1', '--url', `${url}/mcp`, '--token', out.trim()]);
    expect(called).toMatchObject({ code: 0, out: '{"sum":2}\n' });
  });

  it('prints the lifetime in seconds with --json', async () => {
    const { out } = await isthmus(['token', '--subject', 'ada', '--expires', '90s', '--json']);
    expect(JSON.parse(out)).toEqual({ token: expect.any(String), expiresInSeconds: 90 });
  });
});

it('isthmus start names a command that issues a token where it is installed', async () => {
  const data = await mkdtemp(join(tmpdir(), 'isthmus-command-start-'));
  const link = join(data, 'isthmus');
  await symlink(PROGRAM, link);
  const env = { PATH: process.env['PATH'] ?? '', ISTHMUS_DATA_DIR: join(data, 'data'), ISTHMUS_PORT: '0' };
  const started = execFile(process.execPath, [link, 'start'], { env });
  try {
    let printed = '';
    for await (const chunk of started.stdout ?? []) {
      printed += chunk;
      if (/A token for the admin API: .*\n/.test(printed)) break;
    }
    expect(printed).toContain('A token for the admin API: isthmus token --subject you@example.com');
  } finally {
    started.kill('SIGKILL');
    await rm(data, { recursive: true, force: true });
  }
});

it('isthmus start runs the gateway, with several workers too', async () => {
  const data = await mkdtemp(join(tmpdir(), 'isthmus-command-start-'));
  const started = new GatewayProcess({ ISTHMUS_PORT: '0' }, ['--data-dir', data, '--workers', '2']);
  try {
    await started.printed(/Isthmus is ready at/);
    expect(await started.exit('SIGTERM')).toBe(0);
  } finally {
    await started.destroy();
    await rm(data, { recursive: true, force: true });
  }
});
