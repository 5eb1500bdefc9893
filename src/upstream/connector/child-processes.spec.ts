import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { scaleDeadline } from '#lib/testing/machine-speed';
import type { StdioServer } from '../../registry/index.js';
import { child, NEVER, Reply, TALKATIVE_CLIENT, textOf, toolCall, Workbench } from './connector-fixture.js';

const NOT_FOUND = `say({ id, error: { code: -32601, message: 'Method not found' } });`;

/** A legacy server in a few lines; `onCall(message, say)` answers tool calls. */
const serverWith = (onCall: string, before = '', onDiscover = NOT_FOUND): StdioServer =>
  child(process.execPath, [
    '-e',
    `
    const say = (message) => process.stdout.write(JSON.stringify({ jsonrpc: '2.0', ...message }) + '\\n');
    const text = (value) => ({ content: [{ type: 'text', text: String(value) }] });
    const greeting = { protocolVersion: '2025-11-25', capabilities: { tools: {} }, serverInfo: { name: 'c', version: '1' } };
    ${before}
    require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
      const message = JSON.parse(line);
      const { id, method, params } = message;
      if (method === 'initialize') say({ id, result: greeting });
      else if (method === 'server/discover') { ${onDiscover} }
      else if (method === 'ping') say({ id, result: {} });
      else { ${onCall} }
    });
    `,
  ]);

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

let bench: Workbench;

beforeEach(() => {
  bench = new Workbench({ probeMs: 300 });
});

afterEach(() => bench.close());

const PID = `if (id !== undefined) say({ id, result: text(process.pid) });`;

async function pidOf(server: StdioServer): Promise<number> {
  const connection = await bench.open(server);
  return Number(textOf(await connection.request(toolCall('pid'), new Reply(), NEVER)));
}

describe('a child process', () => {
  it('gets a minimal environment and what its definition adds', async () => {
    process.env['ISTHMUS_SPEC_SECRET'] = 'hidden';
    const server = serverWith(`if (id !== undefined) say({ id, result: text(JSON.stringify(process.env)) });`);
    const connection = await bench.open({ ...server, env: { SHOP: 'open' } });
    const environment = String(textOf(await connection.request(toolCall('any'), new Reply(), NEVER)));
    delete process.env['ISTHMUS_SPEC_SECRET'];
    expect(JSON.parse(environment)).toMatchObject({ SHOP: 'open', PATH: process.env['PATH'] });
    expect(environment).not.toContain('ISTHMUS_SPEC_SECRET');
  });

  it('is met as legacy when it stays silent, and when it cannot bear the probe', async () => {
    for (const [slug, onDiscover] of Object.entries({ silent: '', touchy: 'process.exit(3);' })) {
      const server = { ...serverWith(PID, '', onDiscover), slug };
      expect((await bench.open(server)).profile.era).toBe('legacy');
    }
  });

  it('is met as what it is, however slowly it starts', async () => {
    const busy = 'const until = Date.now() + 900; while (Date.now() < until);';
    const discovered = { supportedVersions: ['2026-07-28'], capabilities: { tools: {} }, resultType: 'complete' };
    const modern = serverWith(PID, busy, `say({ id, result: ${JSON.stringify(discovered)} });`);
    expect((await bench.open({ ...modern, slug: 'modern' })).profile.era).toBe('modern');
    expect((await bench.open({ ...serverWith(PID, busy, ''), slug: 'silent' })).profile.era).toBe('legacy');
  });

  it('is met as legacy when it answers nothing at all before the handshake', async () => {
    const deaf = serverWith(PID, `let greeted = false; const answer = say; say = (m) => greeted && answer(m);`, '');
    const script = deaf.args[1]!.replace('const say', 'let say').replace(
      `'initialize')`,
      `'initialize' && (greeted = true))`,
    );
    const server = { ...deaf, args: ['-e', script], timeouts: { connectMs: scaleDeadline(1_000), requestMs: 30_000 } };
    expect((await bench.open(server)).profile.era).toBe('legacy');
  });

  it('is met as legacy when it reads the probe too late to say that it cannot bear it', async () => {
    const ready = 'const until = Date.now() + 600; while (Date.now() < until);';
    const server = serverWith(PID, ready, 'process.exit(3);');
    expect((await bench.open(server)).profile.era).toBe('legacy');
    expect(await pidOf(server)).toBeGreaterThan(0);
  });

  it('is one and the same for the probe and the first opening', async () => {
    const started = serverWith(PID, `process.stderr.write('started ' + process.pid + '\\n');`);
    const lines: string[] = [];
    const spy = jest
      .spyOn(Logger.prototype, 'log')
      .mockImplementation((line: unknown) => void lines.push(String(line)));
    await bench.connector.era(started, NEVER);
    const pid = await pidOf(started);
    await bench.close();
    spy.mockRestore();
    expect(lines).toEqual([`subject: started ${pid}`]);
  });

  it('is gone when its connection is closed, even if it ignores the end of its input and SIGTERM', async () => {
    const stubborn = serverWith(PID, `process.on('SIGTERM', () => {}); setInterval(() => {}, 1000);`);
    const connection = await bench.open(stubborn);
    const pid = Number(textOf(await connection.request(toolCall('pid'), new Reply(), NEVER)));
    await connection.close();
    expect(isAlive(pid)).toBe(false);
    expect(bench.events.ends).toEqual([]);
  });

  it('is gone when the connector is shut down', async () => {
    const pids = [await pidOf(serverWith(PID)), await pidOf({ ...serverWith(PID), slug: 'other' })];
    await bench.close();
    expect(pids.map(isAlive)).toEqual([false, false]);
  });

  it('that dies ends its calls as unknown and its connection, and is started again after a pause', async () => {
    const mortal = serverWith(`if (params?.name === 'die') process.exit(1); else ${PID}`);
    const connection = await bench.open(mortal);
    const outcome = await connection.request(toolCall('die'), new Reply(), NEVER);
    expect(outcome).toMatchObject({ error: { code: -31002, data: { outcome: 'unknown', server: 'subject' } } });
    expect(bench.events.ends).toHaveLength(1);
    const refusal = await bench.open(mortal).catch((error: unknown) => error);
    expect(refusal).toMatchObject({
      code: -31004,
      data: { outcome: 'not_executed', retriable: true, retryAfterMs: expect.any(Number) },
    });
    const { retryAfterMs } = (refusal as { data: { retryAfterMs: number } }).data;
    expect(retryAfterMs).toBeLessThanOrEqual(200);
    await new Promise((resolve) => setTimeout(resolve, retryAfterMs));
    expect(await pidOf(mortal)).toBeGreaterThan(0);
  });

  it.each([
    ['a command that does not exist', child('/nowhere/at/all', [])],
    ['a folder that does not exist', child(process.execPath, ['-e', ''], { cwd: '/nowhere/at/all' })],
    ['a command that can be none', child('', [])],
    ['a program that ends at once', child(process.execPath, ['-e', ''])],
  ])('that cannot be started, %s, is unreachable, without naming a path', async (_what, server) => {
    const refusal = await bench.open(server).catch((error: unknown) => error);
    expect(refusal).toMatchObject({ code: -31004, data: { outcome: 'not_executed', server: 'subject' } });
    const { message } = refusal as Error;
    expect(message).not.toContain('/nowhere');
    // One fault has one text, whether or not it is too early to start the program again.
    await expect(bench.open(server)).rejects.toMatchObject({ code: -31004, message, data: { server: 'subject' } });
  });

  it('may chatter: stderr and what is no message go to the log', async () => {
    const lines: string[] = [];
    const spy = jest
      .spyOn(Logger.prototype, 'log')
      .mockImplementation((line: unknown) => void lines.push(String(line)));
    const chatty = serverWith(`console.log('Listening!'); process.stderr.write('warn\\u001b[31m\\n'); ${PID}`);
    expect(await pidOf(chatty)).toBeGreaterThan(0);
    await bench.close();
    spy.mockRestore();
    expect(lines).toContain('subject: dropped what is no message: Listening!');
    expect(lines).toContain('subject: warn [31m');
  });
});

describe('a child process that asks', () => {
  // The question of the call that was left comes as the answer to its cancellation: too late, but before the next call.
  const ASKS = `
    if (method === 'notifications/cancelled') say({ id: 'late', method: 'roots/list' });
    else if (method === 'tools/call' && params.name === 'next') { calling = id; say({ id: 'next', method: 'roots/list' }); }
    else if (id === 'late') late = message.error ? 'refused' : 'answered';
    else if (id === 'next') say({ id: calling, result: text(late) });
  `;

  it('does not put a question of a cancelled call to the next one', async () => {
    const connection = await bench.open(serverWith(ASKS, `let calling, late = 'nothing';`), TALKATIVE_CLIENT);
    const leave = new AbortController();
    const left = new Reply(async () => ({ result: { roots: [] } }));
    const cancelled = connection.request(toolCall('leave'), left, leave.signal);
    const next = new Reply(async () => ({ result: { roots: [] } }));
    const outcome = connection.request(toolCall('next'), next, NEVER);
    leave.abort();
    expect(await cancelled).toMatchObject({ error: { code: -31002 } });
    expect(textOf(await outcome)).toBe('refused');
    expect([left.questions, next.questions]).toEqual([[], ['roots/list']]);
  });
});
