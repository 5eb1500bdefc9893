import { describe, expect, it } from '@jest/globals';
import { settled } from '../../test/support/fake-upstream.js';
import { PendingHandoffs } from './pending-handoffs.js';

describe('PendingHandoffs', () => {
  it('makes requests wait until the handoff of their session has ended', async () => {
    const moves = new PendingHandoffs();
    const handoff = Promise.withResolvers<string>();
    moves.add('id', handoff.promise);
    let hasEnded = false;
    const waiting = moves.find('id')?.then(() => (hasEnded = true));
    await settled();
    expect([hasEnded, moves.find('another')]).toEqual([false, undefined]);
    handoff.resolve('ended');
    await waiting;
    expect([hasEnded, moves.find('id')]).toEqual([true, undefined]);
  });

  it('stops waiting when a handoff fails', async () => {
    const moves = new PendingHandoffs();
    moves.add('id', Promise.reject(new Error('Redis is unavailable.')));
    await expect(moves.find('id')).resolves.toBeUndefined();
    await settled();
    expect(moves.find('id')).toBeUndefined();
  });
});
