import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { ManualClock } from '#lib/testing/manual-clock';
import { Drain, LifecycleConfig, Readiness } from './index.js';

let clock: ManualClock;

let readiness: Readiness;
let done: string[];

beforeEach(() => {
  clock = new ManualClock();
  Logger.overrideLogger(false);
  readiness = new Readiness();
  done = [];
});

afterEach(() => {
  Logger.overrideLogger(['fatal', 'error', 'warn', 'log']);
});

function drainWith(drainGraceMs = 0): Drain {
  return new Drain(readiness, Object.assign(new LifecycleConfig(), { drainGraceMs }), clock);
}

const step = (name: string, run: () => Promise<void> = () => Promise.resolve()) => ({
  name,
  run: async () => {
    done.push(`${name} begins`);
    await run();
    done.push(`${name} ends`);
  },
});

function startDrain(drain: Drain): void {
  void drain.start().then(() => done.push('may close'));
}

describe('Drain', () => {
  it('makes readiness probes fail before any step runs', () => {
    const drain = drainWith();
    startDrain(drain);
    expect([readiness.isDraining, done]).toEqual([true, []]);
  });

  it('resolves once its steps have run in the order of registration', async () => {
    const drain = drainWith();
    drain.addStep(step('handoff'));
    drain.addStep(step('tombstone'));
    startDrain(drain);
    await clock.advance(0);
    expect(done).toEqual(['handoff begins', 'handoff ends', 'tombstone begins', 'tombstone ends', 'may close']);
  });

  it('resolves no earlier than the end of the grace period', async () => {
    startDrain(drainWith(5_000));
    await clock.advance(4_999);
    expect(done).toEqual([]);
    await clock.advance(1);
    expect(done).toEqual(['may close']);
  });

  it('runs the remaining steps when a step fails', async () => {
    const drain = drainWith();
    drain.addStep(step('handoff', () => Promise.reject(new Error('Redis is unavailable'))));
    drain.addStep(step('tombstone'));
    startDrain(drain);
    await clock.advance(0);
    expect(done).toEqual(['handoff begins', 'tombstone begins', 'tombstone ends', 'may close']);
  });

  it('stops waiting for a step that hangs after ten seconds', async () => {
    const drain = drainWith();
    drain.addStep(step('handoff', () => new Promise(() => {})));
    startDrain(drain);
    await clock.advance(9_999);
    expect(done).toEqual(['handoff begins']);
    await clock.advance(1);
    expect(done).toEqual(['handoff begins', 'may close']);
  });

  it('runs its steps once when it is started twice', async () => {
    const drain = drainWith();
    drain.addStep(step('tombstone'));
    expect(drain.start()).toBe(drain.start());
    await clock.advance(0);
    expect(done).toEqual(['tombstone begins', 'tombstone ends']);
  });
});
