import { describe, expect, it } from '@jest/globals';
import { SingleWorkerRegistry, EmptyHandoffDirectory } from './single-worker.js';
import { WorkerId } from './session-ids.js';

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

  it('has no handoffs in its directory', async () => {
    const directory = new EmptyHandoffDirectory();
    await directory.record();
    expect(await directory.findNewOwner()).toBeUndefined();
  });
});
