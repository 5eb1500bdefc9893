import { describe, expect, it } from '@jest/globals';
import { findLiteralAddress } from './index.js';

describe('findLiteralAddress', () => {
  it.each([
    ['http://127.0.0.1/mcp', '127.0.0.1'],
    ['http://2130706433/', '127.0.0.1'],
    ['http://0x7f000001/', '127.0.0.1'],
    ['http://0177.0.0.1/', '127.0.0.1'],
    ['http://127.1/', '127.0.0.1'],
    ['http://127.0.0.1./', '127.0.0.1'],
    ['http://[::1]:8080/', '::1'],
    ['http://[::ffff:10.0.0.1]/', '::ffff:a00:1'],
    ['http://１２７.0.0.1/', '127.0.0.1'],
    ['http://localhost/', '127.0.0.1'],
    ['http://LOCALHOST./', '127.0.0.1'],
    ['http://api.localhost:81/', '127.0.0.1'],
    ['https://8.8.8.8/', '8.8.8.8'],
  ])('finds the address that %s names', (url, address) => {
    expect(findLiteralAddress(url)).toBe(address);
  });

  it.each([
    'http://example.com/',
    'http://localhost.example/',
    'http://notlocalhost/',
    'http://[fe80::1%25eth0]/',
    'x',
    '',
  ])('finds no address in %s', (url) => {
    expect(findLiteralAddress(url)).toBeUndefined();
  });
});
