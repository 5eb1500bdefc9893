import { describe, expect, it } from '@jest/globals';
import { childEnvironment } from './child-environment.js';
import { LineOverflow, LineSplitter } from './line-splitter.js';
import { RestartGuard } from './restart-guard.js';

describe('the environment of a child', () => {
  it('holds the usual, what its definition adds, and nothing of our own', () => {
    const ours = { PATH: '/bin', HOME: '/home/ada', ISTHMUS_SECRET: 'no', LANG: 'C', NODE_OPTIONS: '--inspect' };
    expect(childEnvironment(ours, { KEY: 'yes', LANG: 'de' })).toEqual({
      PATH: '/bin',
      HOME: '/home/ada',
      LANG: 'de',
      KEY: 'yes',
    });
  });
});

describe('lines of a child', () => {
  const texts = (lines: Buffer[]): string[] => lines.map(String);

  it('are whole, however they arrive', () => {
    const lines = new LineSplitter(100);
    expect(texts(lines.push(Buffer.from('a\nb')))).toEqual(['a']);
    expect(texts(lines.push(Buffer.from('c')))).toEqual([]);
    expect(texts(lines.push(Buffer.from('d\n\ne')))).toEqual(['bcd', '']);
    expect(String(lines.rest())).toBe('e');
  });

  it('have a bound', () => {
    const lines = new LineSplitter(10);
    lines.push(Buffer.from('12345678'));
    expect(() => lines.push(Buffer.from('9012'))).toThrow(LineOverflow);
    expect(lines.drop()).toBe('12345678');
    expect(texts(lines.push(Buffer.from('ok\n')))).toEqual(['ok']);
  });
});

describe('restarts', () => {
  it('wait longer after each death in a row, up to half a minute', () => {
    let now = 0;
    const guard = new RestartGuard(() => now);
    const waits: number[] = [];
    for (let death = 0; death < 10; death++) {
      const startedAt = now;
      now += 10;
      guard.died('shop', startedAt, 'the process ended with code 1');
      const { remainingMs = 0 } = guard.pending('shop') ?? {};
      waits.push(remainingMs);
      now += remainingMs;
    }
    expect(waits).toEqual([200, 400, 800, 1_600, 3_200, 6_400, 12_800, 25_600, 30_000, 30_000]);
    expect(guard.pending('shop')).toBeUndefined();
    expect(guard.pending('another')).toBeUndefined();
  });

  it('start over after a stable minute', () => {
    let now = 0;
    const guard = new RestartGuard(() => now);
    guard.died('shop', 0, 'the process ended with code 1');
    guard.died('shop', 0, 'the process ended with code 1');
    now = 120_000;
    guard.died('shop', 50_000, 'the process ended by SIGKILL');
    expect(guard.pending('shop')).toEqual({ remainingMs: 200, reason: 'the process ended by SIGKILL' });
  });
});
