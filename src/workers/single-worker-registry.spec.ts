import { describe, expect, it } from '@jest/globals';
import { SingleWorkerRegistry } from './single-worker-registry.js';
import { WorkerId } from './worker-id.js';

describe('a worker alone', () => {
  const me = new WorkerId();
  const workers = new SingleWorkerRegistry(me);

  it('is all there is, and whoever else is named is gone', async () => {
    expect(workers.aliveIds).toEqual([me.text]);
    expect(await workers.status(me.text)).toBe('alive');
    expect(await workers.status(new WorkerId().text)).toBe('gone');
  });

  it('asks nobody whether it lives, and nobody comes or goes', () => {
    expect(workers.checkOwnLiveness()).toBeUndefined();
    expect(workers.onWorkerDead()()).toBeUndefined();
  });
});
