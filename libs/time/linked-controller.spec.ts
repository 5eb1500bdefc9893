import { describe, expect, it } from '@jest/globals';
import { createLinkedController } from './linked-controller.js';

describe('a controller that is linked with a signal', () => {
  it('is aborted with it, for the same reason', () => {
    const outer = new AbortController();
    const { signal } = createLinkedController(outer.signal);
    expect(signal.aborted).toBe(false);
    outer.abort('gone');
    expect([signal.aborted, signal.reason]).toEqual([true, 'gone']);
  });

  it('is aborted at once with one that is aborted', () => {
    expect(createLinkedController(AbortSignal.abort('gone')).signal.reason).toBe('gone');
  });

  it('does not abort it', () => {
    const outer = new AbortController();
    createLinkedController(outer.signal).abort();
    expect(outer.signal.aborted).toBe(false);
  });
});
