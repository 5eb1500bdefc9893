import { randomBytes } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { SealRing } from './seal-ring.js';

const [old, young] = [randomBytes(32), randomBytes(32)];
const ring = (...secrets: [Buffer, ...Buffer[]]) => new SealRing(secrets, 'spec 1');

describe('a ring of seals', () => {
  it('opens what any of its secrets has closed, and says whether that was the current one', () => {
    const closed = ring(old).close('a text', 'alice');
    expect(ring(young, old).open(closed, 'alice')).toEqual({ text: 'a text', isCurrent: false });
    expect(ring(old, young).open(closed, 'alice')).toEqual({ text: 'a text', isCurrent: true });
  });

  it('closes with the first one', () => {
    const closed = ring(young, old).close('a text', 'alice');
    expect(ring(old).open(closed, 'alice')).toBeUndefined();
    expect(ring(young).open(closed, 'alice')).toEqual({ text: 'a text', isCurrent: true });
  });

  it('opens nothing else', () => {
    expect(ring(young, old).open(ring(randomBytes(32)).close('a text', 'alice'), 'alice')).toBeUndefined();
    expect(ring(young, old).open(ring(old).close('a text', 'alice'), 'bob')).toBeUndefined();
  });
});
