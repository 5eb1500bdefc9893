import { randomBytes } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { TextCipher } from './text-cipher.js';

const secret = randomBytes(32);
const cipher = new TextCipher(secret, 'spec 1');

describe('TextCipher', () => {
  it('decrypts its own text when the secret, the label and the bound value are the same', () => {
    const encrypted = cipher.encrypt('ä text ✓', 'alice');
    expect(new TextCipher(secret, 'spec 1').decrypt(encrypted, 'alice')).toBe('ä text ✓');
    expect(encrypted).toMatch(/^[\w-]+$/);
  });

  it('hides the plain text and encrypts the same text differently each time', () => {
    const encrypted = cipher.encrypt('a secret', 'alice');
    expect(Buffer.from(encrypted, 'base64url').toString('latin1')).not.toContain('a secret');
    expect(cipher.encrypt('a secret', 'alice')).not.toBe(encrypted);
  });

  it('decrypts no text with another bound value, another label or another secret', () => {
    const encrypted = cipher.encrypt('a text', 'alice');
    expect(cipher.decrypt(encrypted, 'bob')).toBeUndefined();
    expect(new TextCipher(secret, 'spec 2').decrypt(encrypted, 'alice')).toBeUndefined();
    expect(new TextCipher(randomBytes(32), 'spec 1').decrypt(encrypted, 'alice')).toBeUndefined();
  });

  it('decrypts no text in which a byte was changed, and no value that it did not encrypt', () => {
    const encrypted = cipher.encrypt('a text', 'alice');
    const bytes = Buffer.from(encrypted, 'base64url');
    for (let index = 0; index < bytes.length; index += 1) {
      const changed = Buffer.from(bytes);
      changed.writeUInt8(changed.readUInt8(index) ^ 1, index);
      expect(cipher.decrypt(changed.toString('base64url'), 'alice')).toBeUndefined();
    }
    for (const other of [
      undefined,
      null,
      1,
      {},
      '',
      'AAAA',
      `${encrypted}=`,
      ` ${encrypted}`,
      encrypted.slice(0, 30),
    ]) {
      expect(cipher.decrypt(other, 'alice')).toBeUndefined();
    }
  });
});
