import { describe, expect, it } from '@jest/globals';
import { LoneWorker, NoHeirs } from './lone-worker.js';
import { Incarnation } from './session-ids.js';

describe('a worker alone', () => {
  const me = new Incarnation();
  const workers = new LoneWorker(me);

  it('is all there is, and whoever else is named is gone', async () => {
    expect(workers.living).toEqual([me.text]);
    expect(await workers.whereIs(me.text)).toBe('alive');
    expect(await workers.whereIs(new Incarnation().text)).toBe('gone');
  });

  it('asks nobody whether it lives, and nobody comes or goes', () => {
    expect(workers.checkPulse()).toBeUndefined();
    expect(workers.onChange()()).toBeUndefined();
  });

  it('gives nothing away', async () => {
    const heirs = new NoHeirs();
    await heirs.remember();
    expect(await heirs.of()).toBeUndefined();
  });
});
