import { describe, expect, it } from '@jest/globals';
import { isBelowLevel } from './log-levels.js';

const logged = (level: unknown) => ({ method: 'notifications/message', params: { level: level as string } });

describe('a log message', () => {
  it('is left out when it is less severe than wanted', () => {
    expect(isBelowLevel(logged('info'), 'warning')).toBe(true);
    expect(isBelowLevel(logged('warning'), 'warning')).toBe(false);
    expect(isBelowLevel(logged('emergency'), 'debug')).toBe(false);
  });

  it('of no known severity counts as the least severe', () => {
    expect(isBelowLevel(logged(7), 'debug')).toBe(true);
    expect(isBelowLevel(logged(undefined), 'debug')).toBe(true);
  });

  it('is the only notification that has a severity', () => {
    expect(isBelowLevel({ method: 'notifications/progress', params: { level: 'debug' } }, 'error')).toBe(false);
  });
});
