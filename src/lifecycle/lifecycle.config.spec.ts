import { describe, expect, it } from '@jest/globals';
import { loadConfig } from '#lib/config';
import { LifecycleConfig } from './lifecycle.config.js';

describe('LifecycleConfig', () => {
  it('has no drain grace period by default', () =>
    expect(loadConfig([LifecycleConfig], {})[0]).toMatchObject({ drainGraceMs: 0 }));

  it('rejects ISTHMUS_DRAIN_GRACE=16s', () => {
    expect(() => loadConfig([LifecycleConfig], { ISTHMUS_DRAIN_GRACE: '16s' })).toThrow('ISTHMUS_DRAIN_GRACE');
  });
});
