import { describe, expect, it } from '@jest/globals';
import { SingleWorkerRegistry } from './single-worker-registry.js';
import { WorkerId } from './worker-id.js';

describe('a single worker', () => {
  const me = new WorkerId();
  const workers = new SingleWorkerRegistry(me);

  it('reports itself as alive and every other worker as dead', async () => {
    expect(workers.aliveIds).toEqual([me.text]);
    expect(await workers.status(me.text)).toBe('alive');
    expect(await workers.status(new WorkerId().text)).toBe('gone');
  });

  it('needs no liveness check and never notifies listeners', () => {
    expect(workers.checkOwnLiveness()).toBeUndefined();
    expect(workers.onWorkerDead()()).toBeUndefined();
  });
});
