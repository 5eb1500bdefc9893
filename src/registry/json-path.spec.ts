import { describe, expect, it } from '@jest/globals';
import type { JsonValue } from '#lib/mcp-protocol';
import { parseJsonPath } from './json-path.js';

const VALUE: JsonValue = {
  items: [
    { id: 1, paid: true },
    { id: 2, paid: false },
  ],
  total: 2,
  empty: null,
};
const select = (path: string) => parseJsonPath(path)?.(VALUE);

describe('parseJsonPath', () => {
  it.each<[string, JsonValue | undefined]>([
    ['$', VALUE],
    ['$.total', 2],
    ['$.items[0].id', 1],
    ['$["empty"]', null],
    ['$.nothing', undefined],
    ['$.items[*].id', [1, 2]],
    ['$.items[?@.paid == true].id', [1]],
    ['$.items[?@.id > 5]', []],
    ['$..id', [1, 2]],
  ])('parses %s, which selects the expected part of a JSON value', (path, part) => {
    expect(select(path)).toEqual(part);
  });

  it.each(['', 'items', '$.', '$[', "$[?match(@.a, '(a+)+')]", "$[?search(@.a, 'a')]", `$.${'a'.repeat(1_000)}`])(
    'rejects the expression %j',
    (path) => {
      expect(parseJsonPath(path)).toBeUndefined();
    },
  );
});
