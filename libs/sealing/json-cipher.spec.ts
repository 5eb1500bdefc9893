import { expect, it } from '@jest/globals';
import { JsonCipher } from './json-cipher.js';

const SECRET = Buffer.alloc(32, 7);
const VALUE = { name: 'CANARY', list: [1, null] };

it('a cipher of values returns what it has encrypted for the same text and label only', () => {
  const cipher = new JsonCipher<typeof VALUE>(SECRET, 'test 1');
  const encrypted = cipher.encrypt(VALUE, 'a');
  expect(Buffer.from(encrypted, 'base64url').toString('latin1')).not.toContain('CANARY');
  expect(cipher.decrypt(encrypted, 'a')).toEqual(VALUE);
  expect([cipher.decrypt(encrypted, 'b'), cipher.decrypt('x', 'a'), cipher.decrypt(null, 'a')]).toEqual([
    undefined,
    undefined,
    undefined,
  ]);
  expect(new JsonCipher(SECRET, 'test 2').decrypt(encrypted, 'a')).toBeUndefined();
});
