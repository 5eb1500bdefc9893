import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import type { CallRecord } from '#lib/extension-kit';
import { childServer, remoteServer } from '../../test/support/fake-upstream.js';
import { HttpWorld, modern } from '../../test/support/http-world.js';
import { toFaultOutcome } from '#lib/mcp-protocol';
import { GatewayLogger, LoggingConfig } from '../logging/index.js';
import { CallLog, severityOf } from './call-log.js';
import { recordOf } from './call-record-fixture.js';

const RECORD = recordOf();

const REFUSED = { outcome: 'not_executed', isGatewayError: true, httpStatus: 403 } as const;
const FULL = { ...REFUSED, code: -31003, errorStatus: 503, httpStatus: 200 } as const;

/** The lines that a log of this format and level prints. */
function printed(settings: Partial<LoggingConfig>, record: CallRecord): string {
  const write = jest.spyOn(process.stdout, 'write').mockReturnValue(true);
  const logger = new GatewayLogger(Object.assign(new LoggingConfig(), settings));
  Logger.overrideLogger(logger);
  try {
    new CallLog().record(record);
    logger.flush();
    return write.mock.calls.map(([chunk]) => String(chunk)).join('');
  } finally {
    write.mockRestore();
    Logger.overrideLogger(false);
  }
}

beforeEach(() => {
  Logger.overrideLogger(false);
});

afterEach(() => {
  jest.restoreAllMocks();
  Logger.overrideLogger(['fatal', 'error', 'warn', 'log']);
});

describe('the severity of a call’s line', () => {
  it.each<[string, Partial<CallRecord>, string]>([
    ['a successful use of an item', {}, 'log'],
    ['a list', { method: 'tools/list' }, 'debug'],
    ['a request that needs no server', { method: 'ping', serverEra: undefined }, 'debug'],
    ['a tool that reports its own failure', { isToolError: true }, 'log'],
    ['a server’s own error', { code: -32602 }, 'log'],
    ['a denied call', { ...REFUSED, code: -31009 }, 'log'],
    ['a caller that reached its limit', { ...REFUSED, code: -31003, errorStatus: 429, httpStatus: 429 }, 'log'],
    ['a caller that reached its limit, sent with 200', { ...FULL, errorStatus: 429 }, 'log'],
    ['a request without a valid token', { ...REFUSED, principal: undefined, code: -32600, httpStatus: 401 }, 'debug'],
    ['a worker that is full', { ...FULL, httpStatus: 503 }, 'warn'],
    ['a worker that is full, sent with 200', FULL, 'warn'],
    ['a server that cannot be reached', { ...REFUSED, code: -31004 }, 'warn'],
    ['a server that does not answer', { isGatewayError: true, outcome: 'unknown', code: -31002 }, 'warn'],
    ['a client that disconnected', { isGatewayError: true, code: -31002, hasClientLeft: true }, 'log'],
    ['a defect of the gateway', { isGatewayError: true, code: -32603 }, 'error'],
  ])('of %s', (_what, more, severity) => {
    expect(severityOf({ ...RECORD, ...more })).toBe(severity);
  });
});

describe('the line of a call', () => {
  it('is readable at a terminal', () => {
    expect(printed({ format: 'text' }, RECORD)).toContain(
      '[Calls] tools/call "pay" of bank at default for ada: executed in 12.35 ms (gateway 2.35, server 10) (id-1)',
    );
    const failed = { ...RECORD, ...REFUSED, code: -31004, reason: 'Upstream answered HTTP 502: bad gateway' };
    expect(printed({ format: 'text' }, { ...failed, serverMs: 0 })).toContain(
      'for ada: not executed, error -31004 in 12.35 ms (gateway 2.35) (id-1): Upstream answered HTTP 502: bad gateway',
    );
  });

  it('contains what operators need to mend a failing server', () => {
    const failed = { ...RECORD, ...REFUSED, code: -31004, reason: 'Upstream could not be reached' };
    const detail = 'The program "bank" exited with code 3. Last output: no license';
    expect(printed({ format: 'text' }, { ...failed, detail })).toContain(`: Upstream could not be reached: ${detail}`);
    expect(JSON.parse(printed({ format: 'json' }, { ...failed, detail }))).toMatchObject({ detail });
  });

  it('is one flat JSON object elsewhere', () => {
    const [line, ...others] = printed({ format: 'json' }, { ...RECORD, forwardedTo: 'worker-2' })
      .trim()
      .split('\n');
    expect(others).toEqual([]);
    expect(JSON.parse(line ?? '')).toEqual({
      level: 'log',
      pid: process.pid,
      timestamp: expect.any(Number),
      context: 'Calls',
      message: 'tools/call: executed',
      requestId: 'id-1',
      worker: 'worker-1',
      transport: 'mcp',
      issuer: 'https://idp.example',
      subject: 'ada',
      token: 'token-7',
      endpoint: 'default',
      clientEra: 'modern',
      server: 'bank',
      serverEra: 'legacy',
      method: 'tools/call',
      item: 'pay',
      outcome: 'executed',
      httpStatus: 200,
      totalMs: 12.35,
      ownMs: 2.35,
      serverMs: 10,
      forwardedTo: 'worker-2',
      bytesIn: 100,
      bytesOut: 200,
    });
  });

  it('is not built when its level is not printed', () => {
    const record = {
      ...RECORD,
      get endpoint(): string {
        throw new Error('The line was built.');
      },
    };
    expect(printed({ level: 'warn' }, record)).toBe('');
  });

  it('cannot be forged by names that a client chose', () => {
    const text = printed({ format: 'text' }, { ...RECORD, item: 'x\n[Nest] 1 forged', endpoint: 'y\nforged' });
    expect(text.split('\n').filter((line) => /^\S*(\[Nest] 1 )?forged/.test(line))).toEqual([]);
  });
});

describe('secrets', () => {
  it('of tokens, headers, arguments, URIs and environments appear in no line and in no record', async () => {
    const written: string[] = [];
    const keep = (chunk: unknown) => {
      written.push(String(chunk));
      return true;
    };
    jest.spyOn(process.stdout, 'write').mockImplementation(keep);
    jest.spyOn(process.stderr, 'write').mockImplementation(keep);
    const servers = [
      remoteServer('a', { headers: { authorization: 'Bearer CANARY-upstream' } }),
      { ...childServer('b'), env: { KEY: 'CANARY-environment' } },
    ];
    const world = await HttpWorld.open(servers);
    const settings = { level: 'verbose', format: 'json' } as const;
    const logger = new GatewayLogger(Object.assign(new LoggingConfig(), settings));
    Logger.overrideLogger(logger);
    const call = async (method: string, params: object, headers = {}) => {
      const request = modern(1, method, params as never);
      await world.post('/mcp', request.message, { headers: { ...request.headers, ...headers } });
    };
    for (const name of ['a__pay', 'b__pay']) {
      await call('tools/call', { name, arguments: { card: 'CANARY-argument' } }, { 'x-api-key': 'CANARY-header' });
      world.connector.respond = () => toFaultOutcome('lost');
    }
    await call('resources/read', { uri: 'a+https://user:CANARY-password@x.example/p?key=CANARY-query#CANARY' });
    await call('tools/call', { name: 'a__pay' }, { authorization: 'Bearer CANARY-token' });
    const { records } = world;
    await world.close();
    logger.flush();
    const text = written.join('');
    expect(text.match(/"context":"Calls"/g)?.length).toBe(4);
    expect(text).not.toContain('CANARY');
    expect(JSON.stringify(records)).not.toContain('CANARY');
  });
});
