import { describe, expect, it } from '@jest/globals';
import { findContradiction, toOriginForm } from './request-form.js';

type Line = readonly [name: string, value: string];

const HOST: Line = ['Host', 'gateway.example'];

function headOf(lines: readonly Line[], url = '/mcp', httpVersion = '1.1') {
  const headers: Record<string, string> = {};
  for (const [name, value] of lines) headers[name.toLowerCase()] ??= value;
  return { headers, rawHeaders: lines.flat(), url, httpVersion };
}

const SPELLINGS = (name: string) => [name, name.toUpperCase(), name.toLowerCase()];

describe('findContradiction', () => {
  it('finds nothing in an ordinary request', () => {
    expect(findContradiction(headOf([HOST, ['Accept', '*/*'], ['Mcp-Session-Id', 'a']]))).toBeUndefined();
  });

  it.each(['Authorization', 'Content-Length', 'Origin', 'Mcp-Session-Id', 'Mcp-Anything', 'If-Match'])(
    'finds a second %s in every spelling and at every position, also with the same value',
    (name) => {
      const others = Array.from({ length: 50 }, (_, index): Line => [`X-${index}`, '1']);
      for (const first of SPELLINGS(name)) {
        for (const second of SPELLINGS(name)) {
          for (const position of [0, 25, 50]) {
            const lines = [HOST, [first, 'a'] as const, ...others.toSpliced(position, 0, [second, 'a'])];
            expect(findContradiction(headOf(lines))).toMatchObject({ httpStatus: 400 });
          }
        }
      }
    },
  );

  it('accepts a repeated list header', () => {
    const lines: Line[] = [HOST, ['Accept', 'a'], ['Accept', 'b'], ['__proto__', 'x']];
    expect(findContradiction(headOf(lines))).toBeUndefined();
  });

  it('requires a Host header from HTTP/1.1 on', () => {
    expect(findContradiction(headOf([]))).toMatchObject({ httpStatus: 400 });
    expect(findContradiction(headOf([], '/health/live', '1.0'))).toBeUndefined();
  });

  it.each([
    ['http://gateway.example/mcp', undefined],
    ['HTTP://GATEWAY.EXAMPLE:80/mcp', undefined],
    ['https://gateway.example:443/mcp', undefined],
    ['http://gateway.example:443/mcp', 421],
    ['http://gateway.example.evil.example/mcp', 421],
    ['http://evil.example/gateway.example', 421],
    ['http://gateway.example@evil.example/mcp', 400],
    ['http://evil.example\\@gateway.example/mcp', 400],
    ['http:///mcp', 400],
    ['file:///etc/passwd', 400],
    ['*', 400],
    ['', 400],
  ])('compares the authority of the target %j with Host', (url, httpStatus) => {
    const fault = findContradiction(headOf([HOST], url));
    expect(fault?.httpStatus).toBe(httpStatus);
  });
});

describe('toOriginForm', () => {
  it.each([
    ['/mcp?x=http://a/b', '/mcp?x=http://a/b'],
    ['//a/mcp', '//a/mcp'],
    ['http://a/mcp?x=1', '/mcp?x=1'],
    ['http://a', '/'],
    ['http://a?x=1', '/?x=1'],
  ])('converts %s to %s', (target, path) => {
    expect(toOriginForm(target)).toBe(path);
  });
});
