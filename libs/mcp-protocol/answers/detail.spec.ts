import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { scaleDeadline } from '#lib/testing/machine-speed';
import { cleanDetail } from './detail.js';

describe('a detail of a foreign text', () => {
  it.each([
    ['connect ECONNREFUSED 127.0.0.1:3001', 'connect ECONNREFUSED [address]'],
    ['to 10.1.2.3, 172.16.0.1:80 and 192.168.1.1', 'to [address], [address] and [address]'],
    ['connect ECONNREFUSED ::1:3001', 'connect ECONNREFUSED [address]'],
    ['at [fd00::12]:8080 or fe80::1', 'at [address] or [address]'],
    ['getaddrinfo ENOTFOUND db.prod.svc.cluster.local', 'getaddrinfo ENOTFOUND [address]'],
    ['http://localhost:9000/x', 'http://[address]/x'],
    ['public 8.8.8.8 and 172.32.0.1 stay', 'public 8.8.8.8 and 172.32.0.1 stay'],
    ['GET https://u:p@api.example.com/a/b?token=s3cret#x failed', 'GET https://api.example.com/a/b failed'],
    ['GET /search?q=salary failed', 'GET /search failed'],
    ["ENOENT: open '/home/app/secrets.json'", "ENOENT: open '[path]'"],
    ['at C:\\Users\\me\\app.js', 'at [path]'],
    ['Error: boom\n    at Object.<anonymous> (/srv/app.js:1:2)\n    at x', 'Error: boom'],
    ['Meeting at 10:30 (room/2)', 'Meeting at 10:30 (room/2)'],
    ['sent Bearer abc123def456ghi789', 'sent Bearer [hidden]'],
    ['Bearer authentication is required', 'Bearer authentication is required'],
    ['token eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln bad', 'token [hidden] bad'],
    ['password=hunter2 api_key: k', 'password=[hidden] api_key: [hidden]'],
    ['a\u0000b\u0085c\u2028d\u202ee\ud800f', 'a b c d e f'],
    ['  \n ', ''],
  ])('turns %j into %j', (text, cleaned) => {
    expect(cleanDetail(text)).toBe(cleaned);
  });

  it('is one printable line of bounded length', () => {
    const pieces = fc.constantFrom(
      ' ',
      '\n',
      'at ',
      '/',
      'a',
      '.',
      ':',
      '?',
      '=',
      '10.',
      '::',
      'bearer ',
      'http://',
      '@',
      '\u202e',
      '\ud83d',
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: 'binary' }),
          fc.array(pieces, { maxLength: 400 }).map((parts) => parts.join('')),
        ),
        (text) => {
          const cleaned = cleanDetail(text);
          expect(cleaned.length).toBeLessThanOrEqual(200);
          expect(cleaned).not.toMatch(/[\p{Cc}\u2028\u2029\u202e]/u);
          expect(cleaned.isWellFormed()).toBe(true);
        },
      ),
    );
  });

  it.each([' ', '\n', 'a.', '/a', ':', 'a-', '1.', 'a://', 'password='])(
    'is not slowed by a megabyte of %j',
    (piece) => {
      const text = piece.repeat(1_000_000 / piece.length);
      const before = performance.now();
      cleanDetail(text);
      expect(performance.now() - before).toBeLessThan(scaleDeadline(1_000));
    },
  );
});
