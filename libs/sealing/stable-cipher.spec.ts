import { randomBytes } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { StableCipher, TextCipher } from './index.js';

describe('StableCipher', () => {
  const secret = randomBytes(32);
  const cipher = new StableCipher(secret, 'ids');

  it('encrypts equal texts to equal texts, as every worker with the secret does', () => {
    const sealed = cipher.encrypt('task-1', 'ada');
    expect(new StableCipher(secret, 'ids').encrypt('task-1', 'ada')).toBe(sealed);
    expect(cipher.decrypt(sealed, 'ada')).toBe('task-1');
    expect(sealed).not.toContain('task-1');
  });

  it('encrypts other texts, and texts that are bound to others, differently', () => {
    const pairs = [
      ['task-1', 'ada'],
      ['task-2', 'ada'],
      ['task-1', 'bob'],
      ['1', 'adatask-'],
      ['', 'adatask-1'],
    ] as const;
    expect(new Set(pairs.map(([text, boundTo]) => cipher.encrypt(text, boundTo).slice(0, 16))).size).toBe(pairs.length);
  });

  it('decrypts nothing that is bound to another value, altered, or encrypted with another key', () => {
    const sealed = cipher.encrypt('task-1', 'ada');
    expect(cipher.decrypt(sealed, 'bob')).toBeUndefined();
    expect(cipher.decrypt(`${sealed.slice(0, -2)}AA`, 'ada')).toBeUndefined();
    expect(cipher.decrypt('task-1', 'ada')).toBeUndefined();
    expect(new StableCipher(randomBytes(32), 'ids').decrypt(sealed, 'ada')).toBeUndefined();
    expect(new TextCipher(secret, 'other').decrypt(sealed, 'ada')).toBeUndefined();
  });
});
