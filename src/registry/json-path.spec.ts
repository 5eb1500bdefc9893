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
const pick = (path: string) => parseJsonPath(path)?.(VALUE);

describe('a part of a JSON answer', () => {
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
  ])('%s', (path, part) => {
    expect(pick(path)).toEqual(part);
  });

  it.each(['', 'items', '$.', '$[', "$[?match(@.a, '(a+)+')]", "$[?search(@.a, 'a')]", `$.${'a'.repeat(1_000)}`])(
    'is not told by %j',
    (path) => {
      expect(parseJsonPath(path)).toBeUndefined();
    },
  );
});
