import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { ManualClock } from '#lib/testing/manual-clock';
import { DATABASE_KINDS, type DatabaseHost } from '../../test/support/databases.js';
import type { Database } from '../database/index.js';
import { openDatabase, type DatabasePlace } from '../database/testing.js';
import { WorkerId } from '../workers/index.js';
import { AuditKey } from './chain/audit-key.js';
import { AuditConfig, AuditLog, AuditSinks, type AuditEvent } from './index.js';

const KEY = new AuditKey(Buffer.alloc(32, 7));
const DAY_MS = 24 * 3_600_000;

const stranger = { issuer: '', subject: '', roles: [], status: 401, reason: 'No token.' };

const event = (more: Partial<AuditEvent> = {}): AuditEvent => ({
  issuer: 'isthmus',
  subject: 'ada',
  roles: ['admin'],
  method: 'POST',
  path: '/admin/v1/servers',
  outcome: 'done',
  status: 201,
  address: '127.0.0.1',
  ...more,
});

const lines: string[] = [];

beforeEach(() => {
  lines.length = 0;
  for (const level of ['log', 'warn', 'error'] as const) {
    jest
      .spyOn(Logger.prototype, level)
      .mockImplementation((line: unknown) => void lines.push(`${level} ${String(line)}`));
  }
});

afterEach(() => {
  jest.restoreAllMocks();
});

describe.each(DATABASE_KINDS)('AuditLog over $name', ({ start }) => {
  let host: DatabaseHost;
  let place: DatabasePlace;
  let clock: ManualClock;
  const databases: Database[] = [];

  beforeAll(async () => {
    host = await start();
  });

  beforeEach(async () => {
    place = await host.createDatabase();
    clock = new ManualClock();
  });

  afterEach(() => Promise.all(databases.splice(0).map((database) => database.close())));
  afterAll(() => host.stop());

  async function open(settings: Partial<AuditConfig> = {}): Promise<AuditLog> {
    const database = await openDatabase(place);
    databases.push(database);
    const config = Object.assign(new AuditConfig(), settings);
    return new AuditLog(database, new AuditSinks(database, config, clock), config, KEY, new WorkerId(), clock);
  }

  it('finds records newest first at every worker', async () => {
    const [one, other] = [await open(), await open()];
    await one.recordAndFlush(event());
    await one.recordAndFlush(event({ outcome: 'failed', status: 404, reason: 'It is not there.' }));
    const found = await other.find({}, 10);
    expect(found.map(({ status }) => status)).toEqual([404, 201]);
    expect(found[0]).toEqual({
      id: expect.any(String),
      at: expect.any(Date),
      ...event({ outcome: 'failed', status: 404, reason: 'It is not there.' }),
      chain: expect.objectContaining({ sequence: 3, number: 2 }),
    });
  });

  it('filters records and returns them a page at a time', async () => {
    const log = await open();
    for (let count = 0; count < 5; count += 1) await log.recordAndFlush(event({ status: 200 + count }));
    await log.recordAndFlush(
      event({ subject: 'bob', method: 'DELETE', path: '/admin/v1/sessions/a_1', outcome: 'failed' }),
    );
    const first = await log.find({ subject: 'ada' }, 3);
    const second = await log.find({ subject: 'ada' }, 3, first.at(-1)?.id);
    expect([...first, ...second].map(({ status }) => status)).toEqual([204, 203, 202, 201, 200]);
    expect(await log.find({ method: 'DELETE' }, 9)).toHaveLength(1);
    expect(await log.find({ outcome: 'failed', path: '/admin/v1/sessions/a_' }, 9)).toHaveLength(1);
    expect(await log.find({ path: '/admin/v1/sessions/a%' }, 9)).toEqual([]);
    expect(await log.find({ to: new Date(clock.now() - DAY_MS) }, 9)).toEqual([]);
    expect(await log.find({ from: new Date(clock.now() - DAY_MS) }, 9)).toHaveLength(6);
  });

  it('writes pending refusals before it searches the records', async () => {
    const log = await open();
    log.record(event({ issuer: '', subject: '', roles: [], outcome: 'refused', status: 401, reason: 'No token.' }));
    expect(await log.find({ outcome: 'refused' }, 9)).toMatchObject([{ subject: '', status: 401 }]);
  });

  it('logs each record as one line, even when the request contains line breaks', async () => {
    const log = await open();
    await log.recordAndFlush(event());
    await log.recordAndFlush(
      event({ path: `/x\n\u001b[31m${'y'.repeat(300)}`, outcome: 'refused', status: 403, reason: 'No.' }),
    );
    expect(lines[0]).toBe('log ada of isthmus (admin), 127.0.0.1: POST /admin/v1/servers: done');
    expect(lines[1]).toMatch(/^warn ada of isthmus \(admin\), 127\.0\.0\.1: POST \/x\?\?\[31my+: refused, 403: No\.$/);
  });

  it('stores records that contain NUL characters and truncates long reasons', async () => {
    const log = await open();
    await log.recordAndFlush(event({ subject: 'a\u0000b', roles: ['\u0000'], reason: `\u0000${'x'.repeat(100_000)}` }));
    await log.recordAndFlush(event());
    const found = await log.find({}, 9);
    expect(found.map(({ subject }) => subject)).toEqual(['ada', expect.stringMatching(/^a.b$/su)]);
    expect(found[1]?.reason).toHaveLength(1_000);
    expect(await log.find({ subject: '\u0000' }, 9)).toEqual([]);
  });

  it('deletes expired records and the oldest ones beyond the maximum', async () => {
    const log = await open({ retentionMs: DAY_MS, maxRecords: 3 });
    for (let count = 0; count < 5; count += 1) await log.recordAndFlush(event({ status: 200 + count }));
    log.onApplicationBootstrap();
    await log.onApplicationShutdown();
    expect((await log.find({}, 9)).map(({ status }) => status)).toEqual([204, 203, 202]);
    await clock.advance(2 * DAY_MS);
    log.onApplicationBootstrap();
    await log.onApplicationShutdown();
    expect(await log.find({}, 9)).toEqual([]);
  });

  it('keeps records pending while the database fails and writes them afterwards', async () => {
    const log = await open();
    await host.run(place, 'alter table audit_records rename to audit_records_away');
    await log.recordAndFlush(event());
    expect(lines.at(-1)).toMatch(/^error Failed to write 2 audit records to database, retrying/);
    await host.run(place, 'alter table audit_records_away rename to audit_records');
    expect(await log.find({}, 9)).toHaveLength(1);
  });

  it('deletes no record of a change or of a caller with a token because of unauthenticated requests', async () => {
    const log = await open({ maxRecords: 2, maxRefusals: 3 });
    for (const status of [200, 201, 204]) await log.recordAndFlush(event({ status }));
    for (const path of ['/a', '/b', '/c', '/d']) log.recordRefusal(event({ path, status: 403 }));
    for (let index = 0; index < 9; index += 1) {
      for (let path = 0; path < 9; path += 1)
        log.recordRefusal(event({ ...stranger, address: `10.0.0.${index}`, path: `/${path}` }));
    }
    expect(await log.find({}, 500)).toHaveLength(3 + 4 + 81);
    log.onApplicationBootstrap();
    await log.onApplicationShutdown();
    const kept = (await log.find({}, 500)).map(({ subject, status, path }) => [subject, status, path]);
    expect(kept.filter(([subject]) => subject === '')).toHaveLength(3);
    expect(kept.filter(([subject]) => subject !== '')).toEqual([
      ['ada', 403, '/d'],
      ['ada', 403, '/c'],
      ['ada', 403, '/b'],
      ['ada', 204, '/admin/v1/servers'],
      ['ada', 201, '/admin/v1/servers'],
    ]);
  });

  it('counts like refusals within a minute in one further record', async () => {
    const log = await open();
    const refuse = (more: Partial<AuditEvent> = {}) => log.recordRefusal(event({ ...stranger, ...more }));
    for (let index = 0; index < 100; index += 1) refuse();
    refuse({ address: '10.0.0.1' });
    await clock.advance(60_000);
    refuse();
    const found = await log.find({}, 9);
    expect(found.map(({ address, count }) => [address, count])).toEqual([
      ['127.0.0.1', undefined],
      ['127.0.0.1', 99],
      ['10.0.0.1', undefined],
      ['127.0.0.1', undefined],
    ]);
    expect(lines.filter((line) => line.startsWith('warn'))).toHaveLength(4);
    expect(lines.some((line) => line.endsWith('No token. (99 more)'))).toBe(true);
  });

  it('shows counted refusals as soon as the log is read', async () => {
    const log = await open();
    for (let index = 0; index < 5; index += 1) log.recordRefusal(event(stranger));
    expect((await log.find({}, 9)).map(({ count }) => count)).toEqual([4, undefined]);
    expect(await log.find({}, 9)).toHaveLength(2);
  });

  it('bounds the records of a minute, of one address and of all, and counts every refusal', async () => {
    const log = await open();
    for (let path = 0; path < 2_000; path += 1) log.recordRefusal(event({ ...stranger, path: `/${path}` }));
    const ofOne = await log.find({}, 5_000);
    expect(ofOne.length).toBeLessThanOrEqual(22);
    for (let index = 0; index < 2_000; index += 1)
      log.recordRefusal(event({ ...stranger, address: `10.0.${index % 250}.${Math.floor(index / 250)}` }));
    const all = await log.find({}, 5_000);
    expect(all.length).toBeLessThanOrEqual(600);
    expect(all.reduce((sum, { count = 1 }) => sum + count, 0)).toBe(4_000);
    log.recordRefusal(event({ status: 403, reason: 'No.' }));
    expect((await log.find({ subject: 'ada' }, 9)).length).toBe(1);
  });

  it('keeps records of changes pending, and not every unauthenticated refusal, while the database fails', async () => {
    const log = await open();
    await host.run(place, 'alter table audit_records rename to audit_records_away');
    for (let index = 0; index < 1_500; index += 1) log.record(event({ ...stranger, outcome: 'refused' }));
    await log.recordAndFlush(event());
    await host.run(place, 'alter table audit_records_away rename to audit_records');
    expect(await log.find({ subject: 'ada' }, 9)).toHaveLength(1);
    expect(await log.find({ outcome: 'refused' }, 5_000)).toHaveLength(1_000);
  });

  it('finds records by the id of the token and by the address', async () => {
    const log = await open();
    await log.recordAndFlush(event({ token: 'abc' }));
    await log.recordAndFlush(event({ address: '10.0.0.1' }));
    expect(await log.find({ token: 'abc' }, 9)).toMatchObject([{ token: 'abc' }]);
    expect(await log.find({ address: '10.0.0.1' }, 9)).toMatchObject([{ address: '10.0.0.1' }]);
    expect(lines).toContain('log ada of isthmus (admin), token abc, 127.0.0.1: POST /admin/v1/servers: done');
  });

  it('makes many records in several turns of the event loop, in their order', async () => {
    /** Every look at it takes a millisecond. */
    class BusyClock extends ManualClock {
      private looks = 0;
      override monotonicNow(): number {
        this.looks += 1;
        return this.looks;
      }
    }
    clock = new BusyClock();
    const log = await open();
    let made = 0;
    const madeByTurn: number[] = [];
    const count = () => {
      madeByTurn.push(made);
      if (made < 100) setImmediate(count);
    };
    for (let index = 0; index < 100; index += 1) {
      log.recordCall(() => {
        made += 1;
        return event({ status: index });
      });
    }
    setImmediate(count);
    const found = await log.find({}, 200);
    expect(madeByTurn.length).toBeGreaterThan(5);
    expect(found.map(({ status }) => status)).toEqual(Array.from({ length: 100 }, (_, index) => 99 - index));
  });

  it('keeps the other records, and says that one is missing, when a record cannot be made', async () => {
    const log = await open();
    log.record(event());
    log.recordCall(() => {
      throw new Error('broken');
    });
    log.record(event({ status: 204 }));
    expect((await log.find({}, 9)).map(({ chain }) => chain?.number)).toEqual([2, 1]);
    log.record(event());
    expect((await log.find({}, 9)).map(({ chain }) => chain?.sequence)).toEqual([5, 3, 2]);
    expect(await log.find({ kind: 'chain' }, 9)).toMatchObject([
      { chainEvent: { event: 'discarded', count: 1 } },
      { chainEvent: { event: 'started' } },
    ]);
    expect(lines.filter((line) => line.startsWith('error'))).toEqual([
      'error Dropped an audit record that could not be made',
    ]);
  });
});
