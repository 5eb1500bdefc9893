import { describe, expect, it } from '@jest/globals';
import { SingleWorkerRegistry, EmptyHandoffDirectory } from './single-worker.js';
import { WorkerId } from './session-ids.js';

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

  it('gives nothing away', async () => {
    const heirs = new EmptyHandoffDirectory();
    await heirs.record();
    expect(await heirs.findNewOwner()).toBeUndefined();
  });
});
