import { describe, expect, it } from '@jest/globals';
import { isBelowLevel } from './log-levels.js';

const logged = (level: unknown) => ({ method: 'notifications/message', params: { level: level as string } });

describe('a log message', () => {
  it('filters a log message that is less severe than the requested level', () => {
    expect(isBelowLevel(logged('info'), 'warning')).toBe(true);
    expect(isBelowLevel(logged('warning'), 'warning')).toBe(false);
    expect(isBelowLevel(logged('emergency'), 'debug')).toBe(false);
  });

  it('treats a log message of unknown severity as the least severe', () => {
    expect(isBelowLevel(logged(7), 'debug')).toBe(true);
    expect(isBelowLevel(logged(undefined), 'debug')).toBe(true);
  });

  it('does not filter notifications other than log messages', () => {
    expect(isBelowLevel({ method: 'notifications/progress', params: { level: 'debug' } }, 'error')).toBe(false);
  });
});
