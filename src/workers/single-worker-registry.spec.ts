import { describe, expect, it } from '@jest/globals';
import { SingleWorkerRegistry } from './single-worker-registry.js';
import { WorkerId } from './worker-id.js';

describe('a single worker', () => {
  const self = new WorkerId();
  const workers = new SingleWorkerRegistry(self);

  it('reports itself as alive and every other worker as dead', async () => {
    expect(workers.aliveIds).toEqual([self.text]);
    expect(await workers.status(self.text)).toBe('alive');
    expect(await workers.status(new WorkerId().text)).toBe('dead');
  });

  it('needs no liveness check and never notifies listeners', () => {
    expect(workers.checkOwnLiveness()).toBeUndefined();
    expect(workers.onWorkerDead()()).toBeUndefined();
  });
});
