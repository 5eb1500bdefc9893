import { describe, expect, it } from '@jest/globals';
import { settled } from '../../test/support/fake-upstream.js';
import { Moves } from './moves.js';

describe('PendingHandoffs', () => {
  it('makes requests wait until the handoff of their session has ended', async () => {
    const moves = new Moves();
    const move = Promise.withResolvers<string>();
    moves.begin('id', move.promise);
    let hasArrived = false;
    const waiting = moves.of('id')?.then(() => (hasArrived = true));
    await settled();
    expect([hasArrived, moves.of('another')]).toEqual([false, undefined]);
    move.resolve('arrived');
    await waiting;
    expect([hasArrived, moves.of('id')]).toEqual([true, undefined]);
  });

  it('stops waiting when a handoff fails', async () => {
    const moves = new Moves();
    moves.begin('id', Promise.reject(new Error('The relay fails.')));
    await expect(moves.of('id')).resolves.toBeUndefined();
    await settled();
    expect(moves.of('id')).toBeUndefined();
  });
});
