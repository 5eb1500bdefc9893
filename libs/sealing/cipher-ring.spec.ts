import { randomBytes } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { CipherRing } from './cipher-ring.js';

const [old, young] = [randomBytes(32), randomBytes(32)];
const ring = (...secrets: [Buffer, ...Buffer[]]) => new CipherRing(secrets, 'spec 1');

describe('a ring of seals', () => {
  it('opens what any of its secrets has closed, and says whether that was the current one', () => {
    const closed = ring(old).encrypt('a text', 'alice');
    expect(ring(young, old).decrypt(closed, 'alice')).toEqual({ text: 'a text', isCurrent: false });
    expect(ring(old, young).decrypt(closed, 'alice')).toEqual({ text: 'a text', isCurrent: true });
  });

  it('closes with the first one', () => {
    const closed = ring(young, old).encrypt('a text', 'alice');
    expect(ring(old).decrypt(closed, 'alice')).toBeUndefined();
    expect(ring(young).decrypt(closed, 'alice')).toEqual({ text: 'a text', isCurrent: true });
  });

  it('opens nothing else', () => {
    expect(ring(young, old).decrypt(ring(randomBytes(32)).encrypt('a text', 'alice'), 'alice')).toBeUndefined();
    expect(ring(young, old).decrypt(ring(old).encrypt('a text', 'alice'), 'bob')).toBeUndefined();
  });
});
