import { randomBytes } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { SealRing } from './seal-ring.js';

const [previousSecret, currentSecret] = [randomBytes(32), randomBytes(32)];
const ring = (...secrets: [Buffer, ...Buffer[]]) => new SealRing(secrets, 'spec 1');

describe('CipherRing', () => {
  it('decrypts a text of any of its secrets and reports whether the current secret encrypted it', () => {
    const encrypted = ring(previousSecret).close('a text', 'alice');
    expect(ring(currentSecret, previousSecret).open(encrypted, 'alice')).toEqual({ text: 'a text', isCurrent: false });
    expect(ring(previousSecret, currentSecret).open(encrypted, 'alice')).toEqual({ text: 'a text', isCurrent: true });
  });

  it('encrypts with its first secret', () => {
    const encrypted = ring(currentSecret, previousSecret).close('a text', 'alice');
    expect(ring(previousSecret).open(encrypted, 'alice')).toBeUndefined();
    expect(ring(currentSecret).open(encrypted, 'alice')).toEqual({ text: 'a text', isCurrent: true });
  });

  it('decrypts no text of an unknown secret and no text bound to another value', () => {
    expect(
      ring(currentSecret, previousSecret).open(ring(randomBytes(32)).close('a text', 'alice'), 'alice'),
    ).toBeUndefined();
    expect(
      ring(currentSecret, previousSecret).open(ring(previousSecret).close('a text', 'alice'), 'bob'),
    ).toBeUndefined();
  });
});
