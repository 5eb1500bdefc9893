import { randomBytes } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { TextCipher } from './text-cipher.js';

const secret = randomBytes(32);
const seal = new TextCipher(secret, 'spec 1');

describe('a seal', () => {
  it('gives back what it closed, to whoever has the secret and knows what it is bound to', () => {
    const closed = seal.encrypt('ä text ✓', 'alice');
    expect(new TextCipher(secret, 'spec 1').decrypt(closed, 'alice')).toBe('ä text ✓');
    expect(closed).toMatch(/^[\w-]+$/);
  });

  it('shows nothing, and closes the same text differently each time', () => {
    const closed = seal.encrypt('a secret', 'alice');
    expect(Buffer.from(closed, 'base64url').toString('latin1')).not.toContain('a secret');
    expect(seal.encrypt('a secret', 'alice')).not.toBe(closed);
  });

  it('opens for nobody else, and for nothing else', () => {
    const closed = seal.encrypt('a text', 'alice');
    expect(seal.decrypt(closed, 'bob')).toBeUndefined();
    expect(new TextCipher(secret, 'spec 2').decrypt(closed, 'alice')).toBeUndefined();
    expect(new TextCipher(randomBytes(32), 'spec 1').decrypt(closed, 'alice')).toBeUndefined();
  });

  it('stays closed when any of it was changed, and for what never was closed', () => {
    const closed = seal.encrypt('a text', 'alice');
    const bytes = Buffer.from(closed, 'base64url');
    for (let index = 0; index < bytes.length; index += 1) {
      const changed = Buffer.from(bytes);
      changed.writeUInt8(changed.readUInt8(index) ^ 1, index);
      expect(seal.decrypt(changed.toString('base64url'), 'alice')).toBeUndefined();
    }
    for (const other of [undefined, null, 1, {}, '', 'AAAA', `${closed}=`, ` ${closed}`, closed.slice(0, 30)]) {
      expect(seal.decrypt(other, 'alice')).toBeUndefined();
    }
  });
});
