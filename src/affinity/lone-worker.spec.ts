import { describe, expect, it } from '@jest/globals';
import { LoneWorker, NoHeirs } from './lone-worker.js';
import { Incarnation } from './session-ids.js';

describe('a single worker', () => {
  const me = new Incarnation();
  const workers = new LoneWorker(me);

  it('reports itself as alive and every other worker as dead', async () => {
    expect(workers.living).toEqual([me.text]);
    expect(await workers.whereIs(me.text)).toBe('alive');
    expect(await workers.whereIs(new Incarnation().text)).toBe('gone');
  });

  it('needs no liveness check and never notifies listeners', () => {
    expect(workers.checkPulse()).toBeUndefined();
    expect(workers.onChange()()).toBeUndefined();
  });

  it('has no handoffs in its directory', async () => {
    const directory = new NoHeirs();
    await directory.remember();
    expect(await directory.of()).toBeUndefined();
  });
});
