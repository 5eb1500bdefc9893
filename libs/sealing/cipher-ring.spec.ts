import { randomBytes } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { CipherRing } from './cipher-ring.js';

const [previousSecret, currentSecret] = [randomBytes(32), randomBytes(32)];
const ring = (...secrets: [Buffer, ...Buffer[]]) => new CipherRing(secrets, 'spec 1');

describe('CipherRing', () => {
  it('decrypts a text of any of its secrets and reports whether the current secret encrypted it', () => {
    const encrypted = ring(previousSecret).encrypt('a text', 'alice');
    expect(ring(currentSecret, previousSecret).decrypt(encrypted, 'alice')).toEqual({
      text: 'a text',
      isCurrent: false,
    });
    expect(ring(previousSecret, currentSecret).decrypt(encrypted, 'alice')).toEqual({
      text: 'a text',
      isCurrent: true,
    });
  });

  it('encrypts with its first secret', () => {
    const encrypted = ring(currentSecret, previousSecret).encrypt('a text', 'alice');
    expect(ring(previousSecret).decrypt(encrypted, 'alice')).toBeUndefined();
    expect(ring(currentSecret).decrypt(encrypted, 'alice')).toEqual({ text: 'a text', isCurrent: true });
  });

  it('decrypts no text of an unknown secret and no text bound to another value', () => {
    expect(
      ring(currentSecret, previousSecret).decrypt(ring(randomBytes(32)).encrypt('a text', 'alice'), 'alice'),
    ).toBeUndefined();
    expect(
      ring(currentSecret, previousSecret).decrypt(ring(previousSecret).encrypt('a text', 'alice'), 'bob'),
    ).toBeUndefined();
  });
});
