import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { ManualClock } from '#lib/testing/manual-clock';
import { UnavailableDatabase } from '../../test/support/unavailable-database.js';
import { until } from '../../test/support/until.js';
import { GatewayEvents } from '../events/index.js';
import { AuditSinks } from './audit-sinks.js';
import { AuditConfig } from './audit.config.js';
import { chainOf, changeOf } from './chain/chain-fixture.js';
import { emitSinkEvents } from './sink-events.js';
import type { AuditSinkStatus } from './sinks/sink-queue.js';

beforeAll(() => Logger.overrideLogger(false));
afterAll(() => Logger.overrideLogger(['fatal', 'error', 'warn', 'log']));

let clock: ManualClock;
/** What is news to an installation: the type, the sink and the worker of each event. */
let news: string[];
let quietUntil: Map<string, number>;

beforeEach(() => {
  clock = new ManualClock();
  news = [];
  quietUntil = new Map();
});

/** The events of one worker. Those whose occurrence was reported before are no news. */
function eventsOfWorker(): GatewayEvents {
  const events = new GatewayEvents(clock);
  events.on(['audit.sink_down', 'audit.sink_recovered'], ({ type, occurrence, quietMs, data }) => {
    const key = `${type} ${occurrence}`;
    if (clock.monotonicNow() < (quietUntil.get(key) ?? 0)) return;
    quietUntil.set(key, clock.monotonicNow() + quietMs);
    news.push(`${type.replace('audit.sink_', '')} ${data.sink} ${data.worker}`);
  });
  return events;
}

/** The database as one worker sees it. */
class WatchedDatabase {
  private current: AuditSinkStatus;
  private listener: () => void = () => undefined;

  constructor(worker: string) {
    this.current = { sink: 'database', isUp: true, since: new Date(clock.now()), buffered: 0, lost: 0 };
    emitSinkEvents(this, eventsOfWorker(), worker, clock);
  }

  status(): readonly AuditSinkStatus[] {
    return [this.current];
  }

  onStateChange(listener: () => void): () => void {
    this.listener = listener;
    return () => undefined;
  }

  set isUp(isUp: boolean) {
    this.current = { ...this.current, isUp, since: new Date(clock.now()) };
    this.listener();
  }
}

describe('events of sinks', () => {
  it('end with the real state of a sink that went down, up and down again', async () => {
    const database = new WatchedDatabase('one');
    for (const [isUp, ms] of [
      [false, 12_000],
      [true, 31_000],
      [false, 11_000],
    ] as const) {
      database.isUp = isUp;
      await clock.advance(ms);
    }
    expect(news).toEqual(['down database one', 'recovered database one', 'down database one']);
  });

  it('do not exist for a short failure, and name no recovery that does not last', async () => {
    const database = new WatchedDatabase('one');
    for (const isUp of [false, true, false, true]) {
      database.isUp = isUp;
      await clock.advance(9_000);
    }
    expect(news).toEqual([]);
    for (const isUp of [false, true, false, true, false]) {
      database.isUp = isUp;
      await clock.advance(15_000);
    }
    expect(news).toEqual(['down database one']);
  });

  it('of several workers that see the same outage are one each', async () => {
    const databases = ['one', 'other'].map((worker) => new WatchedDatabase(worker));
    for (const isUp of [false, true]) {
      for (const database of databases) {
        database.isUp = isUp;
        await clock.advance(100);
      }
      await clock.advance(40_000);
    }
    expect(news).toEqual(['down database one', 'recovered database one']);
  });

  it('name a worker for which the sink is still down after another one has reported that it is up', async () => {
    const [one, other] = [new WatchedDatabase('one'), new WatchedDatabase('other')];
    one.isUp = false;
    other.isUp = false;
    await clock.advance(20_000);
    one.isUp = true;
    await clock.advance(600_000);
    expect(news).toEqual(['down database one', 'recovered database one', 'down database other']);
  });

  it('contain why the sink is down', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'isthmus-sink-events-'));
    const file = `file://${join(folder, 'later', 'audit.jsonl')}`;
    const config = Object.assign(new AuditConfig(), { streams: [file] });
    const sinks = new AuditSinks(new UnavailableDatabase(), config, clock);
    const events = eventsOfWorker();
    const reasons = new Map<string, string>();
    events.on(['audit.sink_down'], ({ data }) => void reasons.set(data.sink, data.reason));
    emitSinkEvents(sinks, events, 'one', clock);
    sinks.add(chainOf([changeOf()]));
    await sinks.flush();
    await until(() => sinks.status().every(({ isUp }) => !isUp));
    await until(async () => {
      await clock.advance(1_000);
      return reasons.size === 2;
    });
    expect(Object.fromEntries(reasons)).toEqual({
      database: 'The database is unavailable: this world has none.',
      [file]: expect.stringMatching(/^ENOENT: no such file or directory/),
    });
    await mkdir(join(folder, 'later'));
    await until(async () => {
      await clock.advance(1_000);
      return news.length > 2;
    });
    expect(news.at(-1)).toBe(`recovered ${file} one`);
    await sinks.close();
    await rm(folder, { recursive: true });
  });
});
