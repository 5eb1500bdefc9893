import { describe, expect, it } from '@jest/globals';
import { Clock } from '#lib/time';
import { MemoryRelay } from './index.js';
import { relayContract } from './relay-contract-fixture.js';

relayContract('in process', () => {
  const relay = new MemoryRelay();
  return Promise.resolve({ connect: () => relay, close: () => Promise.resolve() });
});

class Hand extends Clock {
  moment = 0;

  override now(): number {
    return this.moment;
  }

  override monotonicNow(): number {
    return this.moment;
  }

  override after(): () => void {
    throw new Error('A relay waits for nothing.');
  }
}

describe('the time of a relay in process', () => {
  it('is that of its timer', async () => {
    const hand = new Hand();
    const relay = new MemoryRelay(hand);
    const { generation } = await relay.announce('worker', 5_000);
    const ticket = { requester: 'worker', request: 'one', generation, notAfter: 10_000 };
    hand.moment = 4_999;
    expect(await relay.stateOf('worker')).toBe('alive');
    hand.moment = 5_000;
    expect(await relay.stateOf('worker')).toBe('missing');
    hand.moment = 9_999;
    expect(await relay.claim(ticket, Buffer.alloc(0))).toBe('claimed');
    hand.moment = 69_999;
    expect(await relay.revoke(ticket)).toBe('claimed');
    hand.moment = 70_000;
    expect(await relay.revoke(ticket)).toBe('stale');
    expect(await relay.claim(ticket, Buffer.alloc(0))).toBe('late');
  });

  it('ends even what was declared gone, after a day', async () => {
    const hand = new Hand();
    const relay = new MemoryRelay(hand);
    await relay.bury('worker');
    hand.moment = 24 * 60 * 60_000 - 1;
    expect(await relay.stateOf('worker')).toBe('buried');
    hand.moment += 1;
    expect(await relay.stateOf('worker')).toBe('missing');
  });
});
