import { expect, it } from '@jest/globals';
import { isSecureUrl } from './index.js';

it.each([
  ['https://example.com', true],
  ['http://localhost:8080/a', true],
  ['http://127.0.0.1', true],
  ['http://127.1', true],
  ['http://[::1]:4444', true],
  ['http://example.com', false],
  ['http://localhost.example.com', false],
  ['http://10.0.0.1', false],
  ['ftp://localhost', false],
])('isSecureUrl of %s is %s', (url, isSecure) => {
  expect(isSecureUrl(new URL(url))).toBe(isSecure);
});
