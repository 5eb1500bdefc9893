import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { ManualClock } from '#lib/testing/manual-clock';
import { DATABASE_KINDS, type DatabaseHost } from '../../test/support/databases.js';
import type { Database } from '../database/index.js';
import { openDatabase, type DatabasePlace } from '../database/testing.js';
import { CallRecorder } from '../telemetry/index.js';
import { NoTracer, recordOf } from '../telemetry/testing.js';
import { WorkerId } from '../workers/index.js';
import { UsageLog } from './usage-log.js';
import { UsageReport, type UsageDimension } from './usage-report.js';
import { UsageConfig } from './usage.config.js';
import { UsageTable, type UsageFilter } from './usage-table.js';

const HOUR_MS = 3_600_000;
const NOON = Date.parse('2026-03-01T12:00:00Z');

const principal = (subject: string) => ({ issuer: 'https://idp.example', subject });

beforeAll(() => Logger.overrideLogger(false));
afterAll(() => Logger.overrideLogger(['fatal', 'error', 'warn', 'log']));

describe.each(DATABASE_KINDS)('usage over $name', ({ start }) => {
  let host: DatabaseHost;
  let place: DatabasePlace;
  let clock: ManualClock;
  const databases: Database[] = [];

  beforeAll(async () => {
    host = await start();
  });

  beforeEach(async () => {
    place = await host.createDatabase();
    clock = new ManualClock(NOON);
  });

  afterEach(() => Promise.all(databases.splice(0).map((database) => database.close())));
  afterAll(() => host.stop());

  async function worker(settings: Partial<UsageConfig> = {}) {
    const database = await openDatabase(place);
    databases.push(database);
    const id = new WorkerId();
    const recorder = new CallRecorder(id, clock, new NoTracer());
    const config = Object.assign(new UsageConfig(), settings);
    const log = new UsageLog(database, recorder, id, config, clock);
    const report = new UsageReport(database, log);
    const summarize = (by: UsageDimension[] = [], more: Partial<UsageFilter> = {}, limit = 100) =>
      report.summarize({ from: new Date(NOON), to: new Date(NOON + HOUR_MS), ...more }, by, limit);
    const call = (more: Parameters<typeof recordOf>[0] = {}) => log.record(recordOf({ at: NOON + 5, ...more }));
    return { log, call, summarize, table: new UsageTable(database) };
  }

  it('counts calls, refusals, failures, unknown outcomes, the time of servers and bytes', async () => {
    const { call, summarize } = await worker();
    call();
    call({ isToolError: true });
    call({ code: -32602 });
    call({ outcome: 'not_executed', code: -31009, serverMs: 0, bytesOut: 5 });
    call({ outcome: 'unknown', code: -31002, serverMs: 0.4, bytesIn: undefined, bytesOut: undefined });
    call({ method: 'tools/list' });
    expect(await summarize()).toEqual({
      total: { calls: 5, refused: 1, failed: 2, unknown: 1, serverMs: 30, bytesIn: 400, bytesOut: 605 },
      items: [],
      isTruncated: false,
    });
  });

  it('is the sum over all workers and flushes, each by hour', async () => {
    const [one, other] = [await worker(), await worker()];
    one.call();
    await one.log.flush();
    one.call();
    other.call();
    other.call({ at: NOON + HOUR_MS });
    await Promise.all([one.log.flush(), other.log.flush()]);
    expect((await one.summarize()).total.calls).toBe(3);
    expect((await other.summarize([], { to: new Date(NOON + 2 * HOUR_MS) })).total.calls).toBe(4);
    expect((await one.summarize([], { to: new Date(NOON) })).total).toMatchObject({ calls: 0, serverMs: 0 });
  });

  it('can be broken down by principal, team, server and tool, with the most calls first', async () => {
    const { call, summarize } = await worker();
    for (const subject of ['ada', 'bob', 'bob']) call({ principal: principal(subject) });
    call({ server: 'shop', item: 'buy' });
    call({ server: 'shop', method: 'prompts/get', item: 'greet' });
    call({ principal: undefined, teams: undefined, server: undefined, serverEra: undefined, item: undefined });
    const ofTotal = { refused: 0, failed: 0, unknown: 0 };
    expect((await summarize(['principal'])).items).toMatchObject([
      { principal: principal('ada'), calls: 3, ...ofTotal },
      { principal: principal('bob'), calls: 2 },
      { calls: 1 },
    ]);
    expect((await summarize(['tool'])).items.map(({ server, tool, calls }) => [server, tool, calls])).toEqual([
      ['bank', 'pay', 3],
      [undefined, undefined, 1],
      ['shop', undefined, 1],
      ['shop', 'buy', 1],
    ]);
    expect((await summarize(['server', 'principal'], { subject: 'bob' })).items).toEqual([
      expect.objectContaining({ server: 'bank', principal: principal('bob'), calls: 2, serverMs: 20 }),
    ]);
    expect(await summarize(['principal'], {}, 2)).toMatchObject({
      items: [{ calls: 3 }, { calls: 2 }],
      isTruncated: true,
    });
  });

  it('of a caller of several teams counts for each team, and once in the total', async () => {
    const { call, summarize } = await worker();
    call({ teams: ['finance', 'audit_a'] });
    call({ teams: ['finance'] });
    call({ teams: [] });
    const { total, items } = await summarize(['team']);
    expect(total.calls).toBe(3);
    expect(items.map(({ team, calls }) => [team, calls])).toEqual([
      ['finance', 2],
      [undefined, 1],
      ['audit_a', 1],
    ]);
    expect((await summarize(['team'], { team: 'finance' })).items).toMatchObject([{ team: 'finance', calls: 2 }]);
    expect((await summarize([], { team: 'audit_a' })).total.calls).toBe(1);
    for (const team of ['audit%', 'auditxa', 'fin']) expect((await summarize([], { team })).total.calls).toBe(0);
  });

  it('is written every few seconds and at shutdown', async () => {
    const [one, other] = [await worker(), await worker()];
    const read = () => other.table.total({ from: new Date(NOON), to: new Date(NOON + HOUR_MS) });
    one.call();
    await clock.advance(5_000);
    await one.log.flush();
    expect(await read()).toMatchObject({ calls: 1 });
    one.call();
    await one.log.onApplicationShutdown();
    expect(await read()).toMatchObject({ calls: 2 });
  });

  it('is kept while the database fails, and written once', async () => {
    const { call, log, summarize } = await worker();
    call();
    await host.run(place, 'alter table usage_hours rename to usage_hours_away');
    await log.flush();
    call();
    await log.flush();
    await host.run(place, 'alter table usage_hours_away rename to usage_hours');
    await clock.advance(5_000);
    expect((await summarize()).total.calls).toBe(2);
  });

  it('of a batch whose confirmation was lost is not added twice', async () => {
    const { call, log, summarize, table } = await worker();
    call();
    await log.flush();
    const row = {
      ...recordKey(),
      hour: NOON,
      calls: 7,
      refused: 0,
      failed: 0,
      unknown: 0,
      serverMs: 0.5,
      bytesIn: 0,
      bytesOut: 0,
    };
    const batch = { worker: 'w', number: 1, rows: [row] };
    for (let attempt = 0; attempt < 3; attempt += 1) await table.add(batch, new Date(NOON));
    await table.add({ ...batch, number: 2 }, new Date(NOON));
    await table.add(batch, new Date(NOON));
    expect((await summarize()).total.calls).toBe(1 + 14);
  });

  it('of names beyond the bounds is one row, and no call is lost', async () => {
    const { call, summarize } = await worker();
    for (let index = 0; index < 2_500; index += 1) call({ principal: principal(`p${index}`) });
    const { total, items } = await summarize(['principal'], {}, 2);
    expect(total.calls).toBe(2_500);
    expect(items[0]).toMatchObject({ principal: { issuer: '(other)', subject: '(other)' }, calls: 500 });
  });

  it('stores no tool names that callers made up, and truncates long names', async () => {
    const { call, summarize } = await worker();
    call({ item: 'x'.repeat(10_000), principal: principal(`${'y'.repeat(10_000)}\u0000`) });
    for (let index = 0; index < 50; index += 1)
      call({ item: `made-up-${index}`, serverEra: undefined, outcome: 'not_executed', code: -32602 });
    call({ item: 'pay' });
    call({ item: 'pay', serverEra: undefined, outcome: 'not_executed', code: -31009 });
    expect((await summarize(['tool'])).items).toMatchObject([
      { tool: '(other)', calls: 50, refused: 50 },
      { tool: 'pay', calls: 2, refused: 1 },
      { tool: 'x'.repeat(256), calls: 1 },
    ]);
  });

  it('is deleted after its retention', async () => {
    const { call, log, summarize } = await worker({ retentionMs: 2 * HOUR_MS });
    call();
    await log.flush();
    await clock.advance(4 * HOUR_MS);
    log.onApplicationBootstrap();
    await log.onApplicationShutdown();
    expect((await summarize()).total.calls).toBe(0);
  });
});

const recordKey = () => ({ issuer: 'i', subject: 's', teams: '', server: 'bank', tool: 'pay' });

it('usage is not recorded with a retention of 0', () => {
  const clock = new ManualClock(NOON);
  const id = new WorkerId();
  const recorder = new CallRecorder(id, clock, new NoTracer());
  const sinks: unknown[] = [];
  recorder.addSink = (sink) => {
    sinks.push(sink);
    return () => undefined;
  };
  const config = Object.assign(new UsageConfig(), { retentionMs: 0 });
  new UsageLog({} as Database, recorder, id, config, clock).onApplicationBootstrap();
  expect(sinks).toEqual([]);
});
