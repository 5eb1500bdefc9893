import { describe, expect, it } from '@jest/globals';
import type { UpstreamConnection } from '../upstream/index.js';
import { isBelow, levelAt } from './log-levels.js';

const connection = (era: 'legacy' | 'modern') => ({ profile: { era } }) as unknown as UpstreamConnection;
const logged = (level: unknown) => ({ method: 'notifications/message', params: { level: level as string } });

describe('the level that a server is to speak at', () => {
  it('is the lowest that any client of a legacy connection wants', () => {
    const shared = connection('legacy');
    const asked = (['warning', 'error', 'debug', 'error'] as const).map((level) => levelAt(shared, level));
    expect(asked).toEqual(['warning', 'warning', 'debug', 'debug']);
    expect(levelAt(connection('legacy'), 'error')).toBe('error');
  });

  it('is each request’s own at a modern server', () => {
    const modern = connection('modern');
    expect((['debug', 'error'] as const).map((level) => levelAt(modern, level))).toEqual(['debug', 'error']);
  });
});

describe('a log message', () => {
  it('is left out when it is less severe than wanted', () => {
    expect(isBelow(logged('info'), 'warning')).toBe(true);
    expect(isBelow(logged('warning'), 'warning')).toBe(false);
    expect(isBelow(logged('emergency'), 'debug')).toBe(false);
  });

  it('of no known severity counts as the least severe', () => {
    expect(isBelow(logged(7), 'debug')).toBe(true);
    expect(isBelow(logged(undefined), 'debug')).toBe(true);
  });

  it('is the only notification that has a severity', () => {
    expect(isBelow({ method: 'notifications/progress', params: { level: 'debug' } }, 'error')).toBe(false);
  });
});
