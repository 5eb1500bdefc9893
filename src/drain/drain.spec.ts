import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { GatewayConfig } from '../gateway.config.js';
import { Readiness } from '../health/index.js';
import { Drain } from './index.js';

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
  return new Drain(readiness, Object.assign(new GatewayConfig(), { drainGraceMs }));
}

const step = (name: string, run: () => Promise<void> = () => Promise.resolve()) => ({
  name,
  run: async () => {
    done.push(`${name} begins`);
    await run();
    done.push(`${name} ends`);
  },
});

function leave(drain: Drain): void {
  void drain.start().then(() => done.push('may close'));
}

describe('a worker that leaves', () => {
  it('tells load balancers before anything else happens', () => {
    const drain = drainWith();
    leave(drain);
    expect([readiness.isDraining, done]).toEqual([true, []]);
  });

  it('may stop listening once its steps have run in their order', async () => {
    const drain = drainWith();
    drain.addStep(step('hand-over'));
    drain.addStep(step('tombstone'));
    leave(drain);
    await jest.advanceTimersByTimeAsync(0);
    expect(done).toEqual(['hand-over begins', 'hand-over ends', 'tombstone begins', 'tombstone ends', 'may close']);
  });

  it('keeps listening for as long as the grace lasts', async () => {
    leave(drainWith(5_000));
    await jest.advanceTimersByTimeAsync(4_999);
    expect(done).toEqual([]);
    await jest.advanceTimersByTimeAsync(1);
    expect(done).toEqual(['may close']);
  });

  it('leaves although a step fails', async () => {
    const drain = drainWith();
    drain.addStep(step('hand-over', () => Promise.reject(new Error('no Redis'))));
    drain.addStep(step('tombstone'));
    leave(drain);
    await jest.advanceTimersByTimeAsync(0);
    expect(done).toEqual(['hand-over begins', 'tombstone begins', 'tombstone ends', 'may close']);
  });

  it('leaves although a step hangs', async () => {
    const drain = drainWith();
    drain.addStep(step('hand-over', () => new Promise(() => {})));
    leave(drain);
    await jest.advanceTimersByTimeAsync(9_999);
    expect(done).toEqual(['hand-over begins']);
    await jest.advanceTimersByTimeAsync(1);
    expect(done).toEqual(['hand-over begins', 'may close']);
  });

  it('leaves once, however often it is told', async () => {
    const drain = drainWith();
    drain.addStep(step('tombstone'));
    expect(drain.start()).toBe(drain.start());
    await jest.advanceTimersByTimeAsync(0);
    expect(done).toEqual(['tombstone begins', 'tombstone ends']);
  });
});
