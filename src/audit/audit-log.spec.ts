import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { ManualClock } from '#lib/testing/manual-clock';
import { DATABASE_KINDS, type DatabaseHost } from '../../test/support/databases.js';
import type { Database } from '../database/index.js';
import { openDatabase, type DatabasePlace } from '../database/testing.js';
import { AuditConfig, AuditLog, type AuditRecord } from './index.js';

type AuditEvent = Omit<AuditRecord, 'id' | 'at'>;

const DAY_MS = 24 * 3_600_000;

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
    return new AuditLog(database, Object.assign(new AuditConfig(), settings), clock);
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
    expect(lines[0]).toBe('log ada of isthmus (admin): POST /admin/v1/servers: done');
    expect(lines[1]).toMatch(/^warn ada of isthmus \(admin\): POST \/x\?\?\[31my+: refused, 403: No\.$/);
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
    expect(lines.at(-1)).toMatch(/^error Failed to write 1 audit records, retrying/);
    await host.run(place, 'alter table audit_records_away rename to audit_records');
    expect(await log.find({}, 9)).toHaveLength(1);
  });
});
