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

  it('forgets an expected exit of one owner, and no later exit of another', async () => {
    const clock = new ManualClock();
    const guard = new RestartGuard(clock);
    guard.recordExit('one', 'ada', clock.monotonicNow(), 'expected');
    await clock.advance(10_000);
    for (let owner = 0; owner < 32; owner += 1) guard.recordExit('one', `owner-${owner}`, clock.monotonicNow(), 'x');
    guard.reset('one', 'ada');
    expect(guard.pending('one', 'owner-99')?.remainingMs).toBe(30_000);
    guard.recordExit('one', 'bob', clock.monotonicNow(), 'expected');
    guard.recordExit('one', 'ada', clock.monotonicNow(), 'x');
    await clock.advance(5_000);
    guard.reset('one', 'bob');
    expect(guard.pending('one', 'owner-99')).toBeUndefined();
  });
});
