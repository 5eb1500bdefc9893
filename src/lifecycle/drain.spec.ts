import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { Drain, LifecycleConfig, Readiness } from './index.js';

let readiness: Readiness;
let done: string[];

beforeEach(() => {
  jest.useFakeTimers();
  Logger.overrideLogger(false);
  readiness = new Readiness();
  done = [];
});

afterEach(() => {
  Logger.overrideLogger(['fatal', 'error', 'warn', 'log']);
  jest.useRealTimers();
});

function drainWith(drainGraceMs = 0): Drain {
  return new Drain(readiness, Object.assign(new LifecycleConfig(), { drainGraceMs }));
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
    await jest.advanceTimersByTimeAsync(0);
    expect(done).toEqual(['handoff begins', 'handoff ends', 'tombstone begins', 'tombstone ends', 'may close']);
  });

  it('resolves no earlier than the end of the grace period', async () => {
    startDrain(drainWith(5_000));
    await jest.advanceTimersByTimeAsync(4_999);
    expect(done).toEqual([]);
    await jest.advanceTimersByTimeAsync(1);
    expect(done).toEqual(['may close']);
  });

  it('runs the remaining steps when a step fails', async () => {
    const drain = drainWith();
    drain.addStep(step('handoff', () => Promise.reject(new Error('Redis is unavailable'))));
    drain.addStep(step('tombstone'));
    startDrain(drain);
    await jest.advanceTimersByTimeAsync(0);
    expect(done).toEqual(['handoff begins', 'tombstone begins', 'tombstone ends', 'may close']);
  });

  it('stops waiting for a step that hangs after ten seconds', async () => {
    const drain = drainWith();
    drain.addStep(step('handoff', () => new Promise(() => {})));
    startDrain(drain);
    await jest.advanceTimersByTimeAsync(9_999);
    expect(done).toEqual(['handoff begins']);
    await jest.advanceTimersByTimeAsync(1);
    expect(done).toEqual(['handoff begins', 'may close']);
  });

  it('runs its steps once when it is started twice', async () => {
    const drain = drainWith();
    drain.addStep(step('tombstone'));
    expect(drain.start()).toBe(drain.start());
    await jest.advanceTimersByTimeAsync(0);
    expect(done).toEqual(['tombstone begins', 'tombstone ends']);
  });
});
