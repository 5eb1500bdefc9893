import { describe, expect, it } from '@jest/globals';
import { ManualClock } from '#lib/testing/manual-clock';
import { RestartGuard } from './restart-guard.js';

describe('RestartGuard', () => {
  it('forgets the server without an exit for the longest time beyond 1,000 servers', () => {
    const guard = new RestartGuard(new ManualClock());
    for (let server = 0; server < 1_000; server += 1) guard.recordExit(`server-${server}`, 'ada', 0, 'exited');
    guard.recordExit('server-0', 'ada', 0, 'exited');
    guard.recordExit('one-more', 'ada', 0, 'exited');
    expect(guard.pending('server-0', 'ada')).toBeDefined();
    expect(guard.pending('one-more', 'ada')).toBeDefined();
    expect(guard.pending('server-1', 'ada')).toBeUndefined();
  });

  it('forgets the owner without an exit for the longest time beyond 1,000 owners of a server', () => {
    const clock = new ManualClock();
    const guard = new RestartGuard(clock);
    for (let owner = 0; owner <= 1_000; owner += 1) guard.recordExit('one', `owner-${owner}`, 0, 'mine');
    guard.recordExit('one', 'last', 0, 'of another');
    expect(guard.pending('one', 'owner-0')?.reason).toBe('of another');
    expect(guard.pending('one', 'owner-1000')).toBeDefined();
  });
});
