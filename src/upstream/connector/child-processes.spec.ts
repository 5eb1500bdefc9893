import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { scaleDeadline } from '#lib/testing/machine-speed';
import type { ClientProfile } from '#lib/mcp-protocol';
import { ManualClock } from '#lib/testing/manual-clock';
import type { StdioServer } from '../../registry/index.js';
import { UpstreamConfig } from '../upstream.config.js';
import { UpstreamServices } from '../upstream-services.js';
import { DefaultUpstreamConnector } from './default-upstream-connector.js';
import {
  stdioServer,
  NEVER,
  RecordedReply,
  CLIENT_WITHOUT_CAPABILITIES,
  CLIENT_WITH_ALL_CAPABILITIES,
  toResultText,
  toolCall,
  ConnectorHarness,
} from './connector-fixture.js';

const NOT_FOUND = `say({ id, error: { code: -32601, message: 'Method not found' } });`;
const DISCOVERED = `say({ id, result: { supportedVersions: ['2026-07-28'], capabilities: { tools: {} }, resultType: 'complete' } });`;
const GREET = `say({ id, result: greeting });`;

/** Keeps a process from reading anything, as if it were still starting, until the probe has sent the handshake. */
const SLOW_START = 'const until = Date.now() + 500; while (Date.now() < until);';

/** A legacy server in a few lines; `onCall(message, say)` answers tool calls. `shaken`: the params of the last handshake. */
const serverWith = (onCall: string, before = '', onDiscover = NOT_FOUND, onInitialize = GREET): StdioServer =>
  stdioServer(process.execPath, [
    '-e',
    `
    const say = (message) => process.stdout.write(JSON.stringify({ jsonrpc: '2.0', ...message }) + '\\n');
    const text = (value) => ({ content: [{ type: 'text', text: String(value) }] });
    const greeting = { protocolVersion: '2025-11-25', capabilities: { tools: {} }, serverInfo: { name: 'c', version: '1' } };
    let shaken;
    ${before}
    require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
      const message = JSON.parse(line);
      const { id, method, params } = message;
      if (method === 'initialize') { shaken = params; ${onInitialize} }
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

let bench: ConnectorHarness;

beforeEach(() => {
  bench = new ConnectorHarness({ probeMs: 300 });
});

afterEach(() => bench.close());

const PID = `if (id !== undefined) say({ id, result: text(process.pid) });`;

async function pidOf(server: StdioServer): Promise<number> {
  const connection = await bench.open(server);
  return Number(toResultText(await connection.request(toolCall('pid'), new RecordedReply(), NEVER)));
}

describe('a child process', () => {
  it('receives a minimal environment and the variables of its definition', async () => {
    process.env['ISTHMUS_SPEC_SECRET'] = 'hidden';
    const server = serverWith(`if (id !== undefined) say({ id, result: text(JSON.stringify(process.env)) });`);
    const connection = await bench.open({ ...server, env: { SHOP: 'open' } });
    const environment = String(toResultText(await connection.request(toolCall('any'), new RecordedReply(), NEVER)));
    delete process.env['ISTHMUS_SPEC_SECRET'];
    expect(JSON.parse(environment)).toMatchObject({ SHOP: 'open', PATH: process.env['PATH'] });
    expect(environment).not.toContain('ISTHMUS_SPEC_SECRET');
  });

  it('is legacy when it does not answer discovery, and when discovery makes it exit', async () => {
    for (const [slug, onDiscover] of Object.entries({ silent: '', exiting: 'process.exit(3);' })) {
      const server = { ...serverWith(PID, '', onDiscover), slug };
      expect((await bench.open(server)).profile.era).toBe('legacy');
    }
  });

  it('is opened in its own era, however slowly it starts', async () => {
    const modern = { ...serverWith(PID, SLOW_START, DISCOVERED), slug: 'modern' };
    const silent = { ...serverWith(PID, SLOW_START, ''), slug: 'silent' };
    const opened = await Promise.all([bench.open(modern), bench.open(silent)]);
    expect(opened.map(({ profile }) => profile.era)).toEqual(['modern', 'legacy']);
  });

  it('is opened as legacy when it answers nothing before the handshake', async () => {
    const silent = serverWith(PID, `const write = say; say = (message) => shaken && write(message);`, '');
    const script = silent.args[1]!.replace('const say', 'let say');
    const server = {
      ...silent,
      args: ['-e', script],
      timeouts: { connectMs: scaleDeadline(1_000), requestMs: 30_000 },
    };
    expect((await bench.open(server)).profile.era).toBe('legacy');
  });

  it('is opened as legacy when it starts slowly and then exits because of the discovery request', async () => {
    const server = serverWith(PID, SLOW_START, 'process.exit(3);');
    expect((await bench.open(server)).profile.era).toBe('legacy');
    expect(await pidOf(server)).toBeGreaterThan(0);
  });

  it.each([
    ['binds it to the legacy era', serverWith(PID, SLOW_START, `if (shaken) ${NOT_FOUND} else ${DISCOVERED}`)],
    ['ends it', serverWith(PID, SLOW_START, DISCOVERED, 'process.exit(3);')],
  ])('is replaced by a new process, which is modern too, when the handshake of the probe %s', async (_what, server) => {
    for (const attempt of [1, 2]) {
      const connection = await bench.open(server);
      expect([attempt, connection.profile.era]).toEqual([attempt, 'modern']);
      const pid = toResultText(await connection.request(toolCall('pid'), new RecordedReply(), NEVER));
      expect(Number(pid)).toBeGreaterThan(0);
    }
  });

  it('is replaced by a new process when it rejects the unknown envelope in the handshake of the probe', async () => {
    const strict = serverWith(PID, SLOW_START, '', `if (params._meta) ${NOT_FOUND} else ${GREET}`);
    expect((await bench.open(strict)).profile.era).toBe('legacy');
    expect(await pidOf(strict)).toBeGreaterThan(0);
  });

  it('is reused for the client whose handshake the probe sent, but not for a client with other capabilities', async () => {
    const declared = `say({ id, result: text(process.pid + ' ' + Object.keys(shaken.capabilities)) });`;
    const server = serverWith(`if (id !== undefined) ${declared}`, SLOW_START, '');
    const read = async (client: ClientProfile): Promise<string[]> => {
      const connection = await bench.open(server, client);
      return String(toResultText(await connection.request(toolCall('any'), new RecordedReply(), NEVER))).split(' ');
    };
    await bench.resolveEra(server);
    const [talkativePid, talkative] = await read(CLIENT_WITH_ALL_CAPABILITIES);
    const [silentPid, silent] = await read(CLIENT_WITHOUT_CAPABILITIES);
    expect([talkative, silent]).toEqual(['elicitation,sampling,roots', '']);
    expect(talkativePid).not.toBe(silentPid);
  });

  it('is started once for the probe and the first opening', async () => {
    const started = serverWith(PID, `process.stderr.write('started ' + process.pid + '\\n');`);
    const lines: string[] = [];
    const spy = jest
      .spyOn(Logger.prototype, 'log')
      .mockImplementation((line: unknown) => void lines.push(String(line)));
    await bench.resolveEra(started);
    const pid = await pidOf(started);
    await bench.close();
    spy.mockRestore();
    expect(lines).toEqual([`subject: started ${pid}`]);
  });

  it('is stopped when its connection is closed, even if it ignores the end of its input and SIGTERM', async () => {
    const unresponsive = serverWith(PID, `process.on('SIGTERM', () => {}); setInterval(() => {}, 1000);`);
    const connection = await bench.open(unresponsive);
    const pid = Number(toResultText(await connection.request(toolCall('pid'), new RecordedReply(), NEVER)));
    await connection.close();
    expect(isAlive(pid)).toBe(false);
    expect(bench.events.closeReasons).toEqual([]);
  });

  it('is stopped when the connector is shut down', async () => {
    const pids = [await pidOf(serverWith(PID)), await pidOf({ ...serverWith(PID), slug: 'other' })];
    await bench.close();
    expect(pids.map(isAlive)).toEqual([false, false]);
  });

  it('ends its calls as unknown and its connection when it exits, and is started again after a delay', async () => {
    const exiting = serverWith(`if (params?.name === 'exit') process.exit(1); else ${PID}`);
    const connection = await bench.open(exiting);
    const outcome = await connection.request(toolCall('exit'), new RecordedReply(), NEVER);
    expect(outcome).toMatchObject({ error: { code: -31002, data: { outcome: 'unknown', server: 'subject' } } });
    expect(bench.events.closeReasons).toHaveLength(1);
    const refusal = await bench.open(exiting).catch((error: unknown) => error);
    expect(refusal).toMatchObject({
      code: -31004,
      data: { outcome: 'not_executed', retriable: true, retryAfterMs: expect.any(Number) },
    });
    const { retryAfterMs } = (refusal as { data: { retryAfterMs: number } }).data;
    expect(retryAfterMs).toBeLessThanOrEqual(200);
    await new Promise((resolve) => setTimeout(resolve, retryAfterMs));
    expect(await pidOf(exiting)).toBeGreaterThan(0);
  });

  it.each([
    ['a command that does not exist', stdioServer('/nowhere/at/all', [])],
    ['a folder that does not exist', stdioServer(process.execPath, ['-e', ''], { cwd: '/nowhere/at/all' })],
    ['an invalid command', stdioServer('', [])],
    ['a program that exits immediately', stdioServer(process.execPath, ['-e', ''])],
  ])('is unreachable, with an error that names no path, when its definition has %s', async (_what, server) => {
    const refusal = await bench.open(server).catch((error: unknown) => error);
    expect(refusal).toMatchObject({ code: -31004, data: { outcome: 'not_executed', server: 'subject' } });
    const { message } = refusal as Error;
    expect(message).not.toContain('/nowhere');
    // One fault has one text, whether or not it is too early to start the program again.
    await expect(bench.open(server)).rejects.toMatchObject({ code: -31004, message, data: { server: 'subject' } });
  });

  it('may write to stderr and write invalid lines, which go to the log', async () => {
    const lines: string[] = [];
    const spy = jest
      .spyOn(Logger.prototype, 'log')
      .mockImplementation((line: unknown) => void lines.push(String(line)));
    const verbose = serverWith(`console.log('Listening!'); process.stderr.write('warn\\u001b[31m\\n'); ${PID}`);
    expect(await pidOf(verbose)).toBeGreaterThan(0);
    await bench.close();
    spy.mockRestore();
    expect(lines).toContain('subject: dropped a line that is not a message: Listening!');
    expect(lines).toContain('subject: warn [31m');
  });
});

describe('a child process that answers nothing', () => {
  const SILENT = stdioServer(process.execPath, ['-e', `process.stdin.resume().on('end', () => process.exit());`]);
  const server = { ...SILENT, timeouts: { connectMs: 60_000, requestMs: 300_000 } };
  /** Deadlines are checked every 100 ms, and the probe has two in a row. */
  const SWEEP_MS = 300;

  it.each([undefined, 10_000, 2_000])(
    'is given up after one connect timeout, or what is left of it: %s ms',
    async (budgetMs) => {
      const clock = new ManualClock();
      const connector = new DefaultUpstreamConnector(new UpstreamServices(new UpstreamConfig(), clock));
      let failure: unknown;
      const attempt = { signal: NEVER, ...(budgetMs !== undefined && { budgetMs }) };
      const opening = connector.open(server, CLIENT_WITHOUT_CAPABILITIES, bench.events, attempt).catch((cause) => {
        failure = cause;
      });
      const allowedMs = budgetMs ?? server.timeouts.connectMs;
      await clock.advance(allowedMs - 1_000);
      expect(failure).toBeUndefined();
      await clock.advance(1_000 + SWEEP_MS);
      await opening;
      expect(failure).toMatchObject({ code: -31_004, data: { outcome: 'not_executed', server: 'subject' } });
      await connector.shutdown();
    },
  );

  it('fails once for all who wait for it', async () => {
    const clock = new ManualClock();
    const connector = new DefaultUpstreamConnector(new UpstreamServices(new UpstreamConfig(), clock));
    const waiting = ['ada', 'bob', 'eve'].map((owner) =>
      connector.resolveEra(server, CLIENT_WITHOUT_CAPABILITIES, { signal: NEVER, owner }).catch((cause) => cause),
    );
    await clock.advance(60_000 + SWEEP_MS);
    expect(await Promise.all(waiting)).toEqual(Array(3).fill(expect.objectContaining({ code: -31_004 })));
    await connector.shutdown();
  });
});

describe('a child process that exits', () => {
  const exiting = serverWith(`if (params?.name === 'exit') process.exit(1); else ${PID}`);

  it('delays the next process of its own principal only', async () => {
    const own = await bench.open(exiting, CLIENT_WITHOUT_CAPABILITIES, { owner: 'ada' });
    await own.request(toolCall('exit'), new RecordedReply(), NEVER);
    await bench.events.until(({ closeReasons }) => closeReasons.length > 0);
    const refusal = await bench.open(exiting, CLIENT_WITHOUT_CAPABILITIES, { owner: 'ada' }).catch((cause) => cause);
    expect(refusal).toMatchObject({ code: -31_004, data: { retryAfterMs: expect.any(Number) } });
    const other = await bench.open(exiting, CLIENT_WITHOUT_CAPABILITIES, { owner: 'bob' });
    expect(Number(toResultText(await other.request(toolCall('pid'), new RecordedReply(), NEVER)))).toBeGreaterThan(0);
  });
});

describe('a child process that sends questions', () => {
  // The question of the cancelled call arrives as the reaction to its cancellation: late, but before the next call.
  const QUESTIONS = `
    if (method === 'notifications/cancelled') say({ id: 'late', method: 'roots/list' });
    else if (method === 'tools/call' && params.name === 'next') { calling = id; say({ id: 'next', method: 'roots/list' }); }
    else if (id === 'late') late = message.error ? 'rejected' : 'answered';
    else if (id === 'next') say({ id: calling, result: text(late) });
  `;

  it('does not forward a question of a cancelled call to the next call', async () => {
    const connection = await bench.open(
      serverWith(QUESTIONS, `let calling, late = 'nothing';`),
      CLIENT_WITH_ALL_CAPABILITIES,
    );
    const controller = new AbortController();
    const cancelledReply = new RecordedReply(async () => ({ result: { roots: [] } }));
    const cancelled = connection.request(toolCall('cancelled'), cancelledReply, controller.signal);
    const next = new RecordedReply(async () => ({ result: { roots: [] } }));
    const outcome = connection.request(toolCall('next'), next, NEVER);
    controller.abort();
    expect(await cancelled).toMatchObject({ error: { code: -31002 } });
    expect(toResultText(await outcome)).toBe('rejected');
    expect([cancelledReply.questions, next.questions]).toEqual([[], ['roots/list']]);
  });
});
