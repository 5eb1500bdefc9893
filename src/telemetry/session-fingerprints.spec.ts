import { describe, expect, it } from '@jest/globals';
import { SessionFingerprints } from './session-fingerprints.js';

describe('fingerprints of session ids', () => {
  it('are equal for equal ids only, also after more ids than are remembered', () => {
    const fingerprints = new SessionFingerprints();
    const first = fingerprints.of('session-0');
    const all = new Set(Array.from({ length: 2_500 }, (_, index) => fingerprints.of(`session-${index}`)));
    expect(all.size).toBe(2_500);
    expect(fingerprints.of('session-0')).toBe(first);
    expect(first).toMatch(/^[\w-]{12}$/);
  });
});
