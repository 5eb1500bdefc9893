import { describe, expect, it } from '@jest/globals';
import { Clock } from '#lib/time';
import { MemoryRelay } from './index.js';
import { relayContract } from './relay-contract-fixture.js';

relayContract('in process', () => {
  const relay = new MemoryRelay();
  return Promise.resolve({ connect: () => relay, close: () => Promise.resolve() });
});

class SettableTimer extends Clock {
  moment = 0;

  override now(): number {
    return this.moment;
  }

  override monotonicNow(): number {
    return this.moment;
  }

  override after(): () => void {
    throw new Error('The relay must not set timers.');
  }
}

describe('the clock of a relay in process', () => {
  it('is its timer, for announcements, claims and revocations', async () => {
    const timer = new SettableTimer();
    const relay = new MemoryRelay(timer);
    const { generation } = await relay.announce('worker', 5_000);
    const ticket = { requester: 'worker', request: 'one', generation, notAfter: 10_000 };
    timer.moment = 4_999;
    expect(await relay.presenceOf('worker')).toBe('alive');
    timer.moment = 5_000;
    expect(await relay.presenceOf('worker')).toBe('missing');
    timer.moment = 9_999;
    expect(await relay.claim(ticket, Buffer.alloc(0))).toBe('claimed');
    timer.moment = 69_999;
    expect(await relay.revoke(ticket)).toBe('claimed');
    timer.moment = 70_000;
    expect(await relay.revoke(ticket)).toBe('stale');
    expect(await relay.claim(ticket, Buffer.alloc(0))).toBe('late');
  });

  it('ends the fencing of a worker after a day', async () => {
    const timer = new SettableTimer();
    const relay = new MemoryRelay(timer);
    await relay.fence('worker');
    timer.moment = 24 * 60 * 60_000 - 1;
    expect(await relay.presenceOf('worker')).toBe('fenced');
    timer.moment += 1;
    expect(await relay.presenceOf('worker')).toBe('missing');
  });
});
