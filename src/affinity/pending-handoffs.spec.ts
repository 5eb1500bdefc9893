import { describe, expect, it } from '@jest/globals';
import { settled } from '../../test/support/fake-upstream.js';
import { PendingHandoffs } from './pending-handoffs.js';

describe('PendingHandoffs', () => {
  it('makes requests wait until the handoff of their session has ended', async () => {
    const pendingHandoffs = new PendingHandoffs();
    const handoff = Promise.withResolvers<string>();
    pendingHandoffs.add('id', handoff.promise);
    let hasEnded = false;
    const waiting = pendingHandoffs.find('id')?.then(() => (hasEnded = true));
    await settled();
    expect([hasEnded, pendingHandoffs.find('another')]).toEqual([false, undefined]);
    handoff.resolve('ended');
    await waiting;
    expect([hasEnded, pendingHandoffs.find('id')]).toEqual([true, undefined]);
  });

  it('stops waiting when a handoff fails', async () => {
    const pendingHandoffs = new PendingHandoffs();
    pendingHandoffs.add('id', Promise.reject(new Error('Redis is unavailable.')));
    await expect(pendingHandoffs.find('id')).resolves.toBeUndefined();
    await settled();
    expect(pendingHandoffs.find('id')).toBeUndefined();
  });
});
