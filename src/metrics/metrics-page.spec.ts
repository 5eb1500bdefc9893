import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { HttpWorld } from '../../test/support/http-world.js';
import { Metrics } from './metrics.js';

const PAGE = join(import.meta.dirname, '../../docs/metrics.md');

let world: HttpWorld;

beforeAll(async () => {
  world = await HttpWorld.open([], { ISTHMUS_METRICS_TOKEN: 'a-token-for-metrics' });
});
afterAll(() => world.close());

it('docs/metrics.md lists every metric with its type, labels and meaning, and no other', () => {
  const rows = readFileSync(PAGE, 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('| `') && line.split('|').length === 6)
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
  const expected = world
    .get(Metrics)
    .registered.map(({ name, type, labels, help }) => [
      `\`${name}\``,
      type,
      labels.map((label) => `\`${label}\``).join(', '),
      help,
    ]);
  const byName = (one: readonly string[], other: readonly string[]) => String(one[0]).localeCompare(String(other[0]));
  expect(rows.toSorted(byName)).toEqual(expected.toSorted(byName));
});
