import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { ManualClock } from '#lib/testing/manual-clock';
import { DATABASE_KINDS, type DatabaseHost } from '../../test/support/databases.js';
import type { Database } from '../database/index.js';
import { openDatabase, type DatabasePlace } from '../database/testing.js';
import { WorkerId } from '../workers/index.js';
import { AuditKey } from './chain/audit-key.js';
import { callOf, changeOf, KEY } from './chain/chain-fixture.js';
import { verifyDatabase } from './chain/verify-records.js';
import { AuditConfig, AuditLog, AuditSinks } from './index.js';
import { AuditTable } from './audit-table.js';

const DAY_MS = 24 * 3_600_000;

beforeAll(() => Logger.overrideLogger(false));
afterAll(() => Logger.overrideLogger(['fatal', 'error', 'warn', 'log']));

describe.each(DATABASE_KINDS)('verification of the audit log in $name', ({ start }) => {
  let host: DatabaseHost;
  let place: DatabasePlace;
  let database: Database;
  let clock: ManualClock;

  beforeAll(async () => {
    host = await start();
  });

  beforeEach(async () => {
    place = await host.createDatabase();
    database = await openDatabase(place);
    clock = new ManualClock();
  });

  afterEach(() => database.close());
  afterAll(() => host.stop());

  function openLog(settings: Partial<AuditConfig> = {}): AuditLog {
    const config = Object.assign(new AuditConfig(), settings);
    return new AuditLog(database, new AuditSinks(database, config, clock), config, KEY, new WorkerId(), clock);
  }

  const verify = (keys = [KEY]) => verifyDatabase(new AuditTable(database), keys, {}, clock.now());

  /** Writes a chain: its start, two changes, three calls, and with `end` its end. */
  async function writeChain(log: AuditLog, end = true): Promise<void> {
    for (const event of [changeOf(), changeOf({ reason: 'a\u0000\ud800' })]) await log.recordAndFlush(event);
    for (const totalMs of [1.5, 2, 3]) log.recordCall(() => callOf({ totalMs, session: 's' }));
    await log.find({}, 1);
    if (end) await log.onApplicationShutdown();
  }

  const run = (statement: string) => host.run(place, statement);

  it('finds nothing in complete chains of several workers, with the key that was used', async () => {
    for (let index = 0; index < 3; index += 1) await writeChain(openLog());
    expect(await verify()).toMatchObject({ records: 21, chains: 3, faults: [], open: [], ignored: 0 });
    const { faults } = await verify([new AuditKey(Buffer.alloc(32, 9))]);
    expect(faults).toMatchObject(Array.from({ length: 3 }, () => ({ sequence: 1, problem: 'unknown-key' })));
  });

  it.each([
    ['a caller', `update audit_records set subject = 'eve' where sequence = 3`, 3, 'altered'],
    ['an item', `update audit_records set item = 'lookup' where sequence = 5`, 5, 'altered'],
    ['a time', `update audit_records set at = '2001-01-01T00:00:00.000Z' where sequence = 6`, 6, 'altered'],
    ['a position', `update audit_records set sequence = 9 where sequence = 4`, 9, 'altered'],
    ['a removed record', `delete from audit_records where sequence = 4`, 4, 'missing'],
    ['a removed last record', `delete from audit_records where sequence = 7`, 7, 'missing'],
    ['a removed first record', `delete from audit_records where sequence = 1`, 1, 'missing'],
    ['a removed chain', `delete from audit_records`, 1, 'missing'],
    [
      'a copy at the end',
      `insert into audit_records (id, at, issuer, subject, roles, method, path, outcome, status, class, worker, sequence, number, previous_hash, hash) select 'z', at, issuer, subject, roles, method, path, outcome, status, class, worker, 8, number, previous_hash, hash from audit_records where sequence = 2`,
      8,
      'altered',
    ],
    ['a removed head', `delete from audit_chains`, 7, 'unlinked'],
    ['a forged deletion', `insert into audit_deletions select worker, 'calls', 1, 'x' from audit_chains`, 0, 'altered'],
  ] as const)('names what is broken after a manual change of %s', async (_what, statement, sequence, problem) => {
    await writeChain(openLog());
    await run(statement);
    const { faults } = await verify();
    expect(faults[0]).toMatchObject({ sequence, problem });
  });

  it('does not miss what retention deleted, and misses what else was deleted', async () => {
    const log = openLog({ maxRecords: 1, maxCalls: 2 });
    await writeChain(log);
    const later = openLog({ maxRecords: 1, maxCalls: 2 });
    later.onApplicationBootstrap();
    await later.onApplicationShutdown();
    expect(await verify()).toMatchObject({ records: 5, faults: [] });
    await run(`delete from audit_records where class = 'calls' and number = 3`);
    expect((await verify()).faults).toMatchObject([{ problem: 'missing' }]);
  });

  /** Lets the database lose the second and third call of a chain. */
  async function loseCalls(log: AuditLog): Promise<void> {
    log.recordCall(() => callOf());
    await log.find({}, 1);
    await run('alter table audit_records rename to audit_records_away');
    log.recordCall(() => callOf());
    log.recordCall(() => callOf());
    for (let count = 0; count < 2; count += 1) await log.recordAndFlush(changeOf());
    await run('alter table audit_records_away rename to audit_records');
  }

  it('does not miss records that the database has lost, after retention deleted the record about them', async () => {
    const log = openLog({ buffer: 2 });
    await loseCalls(log);
    await log.recordAndFlush(changeOf());
    await log.recordAndFlush(changeOf());
    expect(await run(`select * from audit_records where class = 'calls'`)).toHaveLength(1);
    expect(await verify()).toMatchObject({ faults: [] });
    await clock.advance(80 * DAY_MS);
    log.recordCall(() => callOf());
    await log.find({}, 1);
    await clock.advance(20 * DAY_MS);
    log.onApplicationBootstrap();
    await log.onApplicationShutdown();
    expect(await run(`select * from audit_records where class = 'chain'`)).toHaveLength(1);
    expect(await verify()).toMatchObject({ faults: [] });
  });

  it('does not miss records that the database has lost when the worker ends before the database is up', async () => {
    const log = openLog({ buffer: 2 });
    await loseCalls(log);
    await log.onApplicationShutdown();
    expect((await verify()).faults).toEqual([]);
    const lost = await run(`select * from audit_records where class = 'chain'`);
    expect(JSON.stringify(lost)).toContain('lost');
  });

  it('forgets a chain of which retention has deleted everything', async () => {
    await writeChain(openLog());
    await clock.advance(100 * DAY_MS);
    const later = openLog();
    later.onApplicationBootstrap();
    await later.onApplicationShutdown();
    expect(await verify()).toMatchObject({ records: 0, chains: 0, faults: [] });
    expect(await run('select * from audit_chains')).toEqual([]);
    expect(await run('select * from audit_deletions')).toEqual([]);
  });

  it('reports a worker that ended abruptly as such, and a running one as running', async () => {
    const log = openLog();
    await writeChain(log, false);
    expect(await verify()).toMatchObject({ faults: [], open: [{ state: 'running' }] });
    await clock.advance(5 * 60_000);
    expect(await verify()).toMatchObject({ faults: [], open: [{ state: 'ended abruptly' }] });
  });
});
