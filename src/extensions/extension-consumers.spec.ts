import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { ManualClock } from '#lib/testing/manual-clock';
import { ExtensionConsumers, MAX_PENDING } from './extension-consumers.js';
import { ExtensionFailures } from './extension-failures.js';

let lines: string[];
let clock: ManualClock;
let consumers: ExtensionConsumers;

beforeEach(() => {
  lines = [];
  jest.spyOn(Logger.prototype, 'error').mockImplementation((line: unknown) => void lines.push(String(line)));
  clock = new ManualClock();
  consumers = new ExtensionConsumers(new ExtensionFailures(clock));
});

afterEach(() => {
  jest.restoreAllMocks();
});

const settle = () => new Promise((resolve) => setImmediate(resolve));

describe('ExtensionConsumers', () => {
  it('logs a consumer that throws or rejects by its name, and throws nothing itself', async () => {
    const throwing = consumers.add('event', 'Throwing', () => {
      throw new Error('down');
    });
    const rejecting = consumers.add('call_record', 'Rejecting', () => Promise.reject(new Error('down')));
    throwing.pass({});
    rejecting.pass({});
    await settle();
    expect(lines).toEqual([
      'Failure of Throwing, a consumer of events',
      'Failure of Rejecting, a consumer of call records',
    ]);
  });

  it('logs one of many failures in a minute, and then how many there were', async () => {
    const failing = consumers.add('event', 'Failing', () => {
      throw new Error('down');
    });
    for (let count = 0; count < 5; count += 1) failing.pass({});
    expect(lines).toHaveLength(1);
    await clock.advance(60_000);
    failing.pass({});
    expect(lines[1]).toContain('Failing, a consumer of events (4 more times since the last line)');
  });

  it('drops and counts what a consumer receives while too many of its promises are pending', async () => {
    const first = Promise.withResolvers<void>();
    const received: number[] = [];
    const slow = consumers.add('call_record', 'Slow', (value: number) => {
      received.push(value);
      return value === 0 ? first.promise : new Promise(() => undefined);
    });
    for (let value = 0; value < MAX_PENDING + 3; value += 1) slow.pass(value);
    expect(received).toHaveLength(MAX_PENDING);
    expect(consumers.drops).toEqual([{ kind: 'call_record', contribution: 'Slow', count: 3 }]);
    first.resolve();
    await settle();
    slow.pass(-1);
    expect(received.at(-1)).toBe(-1);
  });

  it('contains a promise whose members cannot be read', () => {
    const unreadable = {
      get then(): never {
        throw new Error('down');
      },
    };
    consumers.add('event', 'Odd', () => unreadable).pass({});
    expect(lines).toEqual(['Failure of Odd, a consumer of events']);
  });
});
