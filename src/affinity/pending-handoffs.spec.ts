import { describe, expect, it } from '@jest/globals';
import { settled } from '../../test/support/fake-upstream.js';
import { PendingHandoffs } from './pending-handoffs.js';

describe('a session on its way to another worker', () => {
  it('is waited for until it has arrived, and no longer', async () => {
    const moves = new PendingHandoffs();
    const move = Promise.withResolvers<string>();
    moves.add('id', move.promise);
    let hasArrived = false;
    const waiting = moves.find('id')?.then(() => (hasArrived = true));
    await settled();
    expect([hasArrived, moves.find('another')]).toEqual([false, undefined]);
    move.resolve('arrived');
    await waiting;
    expect([hasArrived, moves.find('id')]).toEqual([true, undefined]);
  });

  it('holds nobody for ever when that fails', async () => {
    const moves = new PendingHandoffs();
    moves.add('id', Promise.reject(new Error('The relay fails.')));
    await expect(moves.find('id')).resolves.toBeUndefined();
    await settled();
    expect(moves.find('id')).toBeUndefined();
  });
});
