import { describe, expect, it } from '@jest/globals';
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
  it('doubles the restart delay after each consecutive exit, up to 30 s', () => {
    let now = 0;
    const guard = new RestartGuard(() => now);
    const waits: number[] = [];
    for (let exit = 0; exit < 10; exit++) {
      const startedAt = now;
      now += 10;
      guard.recordExit('shop', startedAt, 'the process ended with code 1');
      const { remainingMs = 0 } = guard.pending('shop') ?? {};
      waits.push(remainingMs);
      now += remainingMs;
    }
    expect(waits).toEqual([200, 400, 800, 1_600, 3_200, 6_400, 12_800, 25_600, 30_000, 30_000]);
    expect(guard.pending('shop')).toBeUndefined();
    expect(guard.pending('another')).toBeUndefined();
  });

  it('resets the restart delay after a process ran for a minute', () => {
    let now = 0;
    const guard = new RestartGuard(() => now);
    guard.recordExit('shop', 0, 'the process ended with code 1');
    guard.recordExit('shop', 0, 'the process ended with code 1');
    now = 120_000;
    guard.recordExit('shop', 50_000, 'the process ended by SIGKILL');
    expect(guard.pending('shop')).toEqual({ remainingMs: 200, reason: 'the process ended by SIGKILL' });
  });
});
