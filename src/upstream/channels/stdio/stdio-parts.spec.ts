import { describe, expect, it } from '@jest/globals';
import { ManualClock } from '#lib/testing/manual-clock';
import { childEnvironment } from './child-environment.js';
import { LineOverflow, LineSplitter } from './line-splitter.js';
import { RestartGuard } from './restart-guard.js';

describe('childEnvironment', () => {
  it('contains the passed variables and those of the definition, and no other variable of the gateway', () => {
    const gatewayEnvironment = {
      PATH: '/bin',
      HOME: '/home/ada',
      ISTHMUS_SECRET: 'no',
      LANG: 'C',
      NODE_OPTIONS: '--inspect',
    };
    expect(childEnvironment(gatewayEnvironment, { KEY: 'yes', LANG: 'de' })).toEqual({
      PATH: '/bin',
      HOME: '/home/ada',
      LANG: 'de',
      KEY: 'yes',
    });
  });
});

describe('LineSplitter', () => {
  const texts = (lines: Buffer[]): string[] => lines.map(String);

  it('returns complete lines for every division of the bytes into chunks', () => {
    const lines = new LineSplitter(100);
    expect(texts(lines.push(Buffer.from('a\nb')))).toEqual(['a']);
    expect(texts(lines.push(Buffer.from('c')))).toEqual([]);
    expect(texts(lines.push(Buffer.from('d\n\ne')))).toEqual(['bcd', '']);
    expect(String(lines.remainder())).toBe('e');
  });

  it('throws LineOverflow for a line that is too long and continues after reset', () => {
    const lines = new LineSplitter(10);
    lines.push(Buffer.from('12345678'));
    expect(() => lines.push(Buffer.from('9012'))).toThrow(LineOverflow);
    expect(lines.reset()).toBe('12345678');
    expect(texts(lines.push(Buffer.from('ok\n')))).toEqual(['ok']);
  });
});

describe('RestartGuard', () => {
  const ENDED = 'the process ended with code 1';

  /** Lets a process exit that was started just now. */
  async function exit(guard: RestartGuard, clock: ManualClock, owner: string) {
    const startedAt = clock.monotonicNow();
    await clock.advance(10);
    guard.recordExit('shop', owner, startedAt, ENDED);
  }

  it('doubles the restart delay after each consecutive exit, up to 30 s', async () => {
    const clock = new ManualClock();
    const guard = new RestartGuard(clock);
    const waits: number[] = [];
    for (let count = 0; count < 10; count++) {
      await exit(guard, clock, 'ada');
      const { remainingMs = 0 } = guard.pending('shop', 'ada') ?? {};
      waits.push(remainingMs);
      await clock.advance(remainingMs);
    }
    expect(waits).toEqual([200, 400, 800, 1_600, 3_200, 6_400, 12_800, 25_600, 30_000, 30_000]);
    expect(guard.pending('shop', 'ada')).toBeUndefined();
    expect(guard.pending('another', 'ada')).toBeUndefined();
  });

  it('resets the restart delay after a process ran for a minute', async () => {
    const clock = new ManualClock();
    const guard = new RestartGuard(clock);
    guard.recordExit('shop', 'ada', 0, ENDED);
    guard.recordExit('shop', 'ada', 0, ENDED);
    await clock.advance(120_000);
    guard.recordExit('shop', 'ada', 50_000, 'the process ended by SIGKILL');
    expect(guard.pending('shop', 'ada')).toEqual({ remainingMs: 200, reason: 'the process ended by SIGKILL' });
  });

  it('does not delay the processes of one owner after the exits of another', async () => {
    const clock = new ManualClock();
    const guard = new RestartGuard(clock);
    for (let count = 0; count < 8; count++) await exit(guard, clock, 'ada');
    expect(guard.pending('shop', 'ada')).toMatchObject({ reason: ENDED });
    expect(guard.pending('shop', 'bob')).toBeUndefined();
  });

  it('starts a program that exits at once for many owners at most 32 times in 30 s', async () => {
    const clock = new ManualClock();
    const guard = new RestartGuard(clock);
    let starts = 0;
    for (let owner = 0; owner < 2_000; owner++) {
      if (guard.pending('shop', `owner ${owner}`)) continue;
      starts += 1;
      guard.recordExit('shop', `owner ${owner}`, clock.monotonicNow(), ENDED);
    }
    expect(starts).toBe(32);
    expect(guard.pending('shop', 'owner 1999')).toEqual({ remainingMs: 30_000, reason: ENDED });
    await clock.advance(30_000);
    expect(guard.pending('shop', 'owner 1999')).toBeUndefined();
  });

  it('forgets the owner with the oldest exit when it knows more than a thousand', () => {
    const clock = new ManualClock();
    const guard = new RestartGuard(clock);
    const delayOf = (owner: string) => {
      clock.stall(30_000);
      guard.recordExit('shop', owner, clock.monotonicNow(), ENDED);
      return guard.pending('shop', owner)?.remainingMs;
    };
    expect([delayOf('ada'), delayOf('bob')]).toEqual([200, 200]);
    for (let owner = 0; owner < 999; owner++) delayOf(`owner ${owner}`);
    // The exits of all owners are limited together only within 30 s.
    expect([delayOf('bob'), delayOf('ada')]).toEqual([400, 200]);
  });

  it('forgets an exit that was expected', async () => {
    const clock = new ManualClock();
    const guard = new RestartGuard(clock);
    await exit(guard, clock, 'ada');
    guard.reset('shop', 'bob');
    expect(guard.pending('shop', 'ada')).toBeDefined();
    guard.reset('shop', 'ada');
    expect(guard.pending('shop', 'ada')).toBeUndefined();
  });
});
