import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import type { CallRecord } from '#lib/extension-kit';
import { GatewayCode, type JsonValue } from '#lib/mcp-protocol';
import { ManualClock } from '#lib/testing/manual-clock';
import { callerOf, FakeRegistry, remoteServer } from '../../test/support/fake-upstream.js';
import type { Database } from '../database/index.js';
import { openDatabase } from '../database/testing.js';
import { recordOf } from '../telemetry/testing.js';
import { WorkerId } from '../workers/index.js';
import { AuditKey } from './chain/audit-key.js';
import { AuditConfig, AuditLog, AuditSinks, CallAudit } from './index.js';

/** Counts what callers pay for. */
class CountingKey extends AuditKey {
  digests = 0;

  override digestArguments(value: JsonValue): string {
    this.digests += 1;
    return super.digestArguments(value);
  }
}

const origin = {
  caller: callerOf('ada'),
  source: { method: 'POST', path: '/mcp', address: '127.0.0.1' },
  params: { name: 'bank__pay', arguments: { amount: 5 } },
};

let folder: string;
let database: Database;
let key: CountingKey;
let log: AuditLog;

beforeAll(() => Logger.overrideLogger(false));
afterAll(() => Logger.overrideLogger(['fatal', 'error', 'warn', 'log']));

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'isthmus-call-audit-'));
  database = await openDatabase({ kind: 'sqlite', file: join(folder, 'isthmus.db') });
  key = new CountingKey(Buffer.alloc(32, 7));
});

afterEach(async () => {
  await log.onApplicationShutdown();
  await database.close();
  await rm(folder, { recursive: true });
});

function open(settings: Partial<AuditConfig> = {}): CallAudit {
  const clock = new ManualClock();
  const config = Object.assign(new AuditConfig(), settings);
  const sinks = new AuditSinks(database, config, clock);
  log = new AuditLog(database, sinks, config, key, new WorkerId(), clock);
  return new CallAudit(log, sinks, config, new FakeRegistry([remoteServer('bank')]), key);
}

/** Answered with HTTP 200, as errors of dispatched calls are. */
const failedWith = (code: number, outcome: CallRecord['outcome'], errorStatus: number) =>
  recordOf({ code, outcome, httpStatus: 200, errorStatus, isGatewayError: true, reason: 'Denied.' });

describe('a refused call', () => {
  it.each([
    ['one caller reached its limit', 429],
    ['the worker is at capacity', 503],
  ])('has the status of its error because %s, although the response had 200', async (_why, errorStatus) => {
    open().record(failedWith(GatewayCode.overloaded, 'not_executed', errorStatus), origin);
    expect(await log.find({ kind: 'call' }, 9)).toMatchObject([{ outcome: 'refused', status: errorStatus }]);
  });

  it('costs nobody a digest of its arguments unless it becomes a record of its own, and then not at once', async () => {
    const calls = open();
    for (let count = 0; count < 50; count += 1)
      calls.record(failedWith(GatewayCode.overloaded, 'not_executed', 429), origin);
    expect(key.digests).toBe(0);
    const [further, first, ...others] = await log.find({ kind: 'call' }, 9);
    expect([key.digests, others]).toEqual([1, []]);
    expect(first?.call).toMatchObject({ argumentsDigest: key.digestArguments({ amount: 5 }), requestId: 'id-1' });
    expect([further?.count, further?.call?.argumentsDigest]).toEqual([49, undefined]);
  });
});

describe('a call that a policy denied after it had begun', () => {
  it.each(['refused', 'none'] as const)('is a failure, and is not counted with others (calls: %s)', async (calls) => {
    const audit = open({ calls });
    for (const requestId of ['id-1', 'id-2'])
      audit.record({ ...failedWith(GatewayCode.deniedByPolicy, 'unknown', 403), requestId }, origin);
    audit.record(failedWith(GatewayCode.deniedByPolicy, 'not_executed', 403), origin);
    const found = await log.find({ kind: 'call' }, 9);
    expect(found.map(({ outcome, status, call }) => [outcome, status, call?.execution, call?.requestId])).toEqual([
      ['refused', 403, 'not_executed', 'id-1'],
      ['failed', 403, 'unknown', 'id-2'],
      ['failed', 403, 'unknown', 'id-1'],
    ]);
    expect(found.map(({ count }) => count)).toEqual([undefined, undefined, undefined]);
  });

  it('is no record for another reason than a policy with calls: none', async () => {
    const audit = open({ calls: 'none' });
    audit.record(failedWith(GatewayCode.overloaded, 'unknown', 503), origin);
    expect(await log.find({ kind: 'call' }, 9)).toEqual([]);
  });
});
