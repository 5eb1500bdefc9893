import { describe, expect, it } from '@jest/globals';
import { settled } from '../../test/support/fake-upstream.js';
import { Moves } from './moves.js';

describe('PendingHandoffs', () => {
  it('makes requests wait until the handoff of their session has ended', async () => {
    const moves = new Moves();
    const handoff = Promise.withResolvers<string>();
    moves.begin('id', handoff.promise);
    let hasEnded = false;
    const waiting = moves.of('id')?.then(() => (hasEnded = true));
    await settled();
    expect([hasEnded, moves.of('another')]).toEqual([false, undefined]);
    handoff.resolve('ended');
    await waiting;
    expect([hasEnded, moves.of('id')]).toEqual([true, undefined]);
  });

  it('stops waiting when a handoff fails', async () => {
    const moves = new Moves();
    moves.begin('id', Promise.reject(new Error('Redis is unavailable.')));
    await expect(moves.of('id')).resolves.toBeUndefined();
    await settled();
    expect(moves.of('id')).toBeUndefined();
  });
});
