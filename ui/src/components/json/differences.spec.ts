import { describe, expect, it } from '@jest/globals';
import { diffLines, type DiffRow } from './differences.js';

/** One line for each row: `=` equal, `-` only before, `+` only after, `~` replaced. */
const shown = (rows: readonly DiffRow[]): readonly string[] =>
  rows.map(({ before, after, isChanged }) => {
    if (!isChanged) return `= ${before}`;
    if (after === undefined) return `- ${before}`;
    return before === undefined ? `+ ${after}` : `~ ${before} → ${after}`;
  });

const diff = (before: readonly string[], after: readonly string[]) =>
  shown(diffLines(before.join('\n'), after.join('\n')));

describe('the difference of two texts', () => {
  it.each([
    ['equal texts', ['a', 'b'], ['a', 'b'], ['= a', '= b']],
    ['an added line', ['a', 'c'], ['a', 'b', 'c'], ['= a', '+ b', '= c']],
    ['a removed line', ['a', 'b', 'c'], ['a', 'c'], ['= a', '- b', '= c']],
    ['a replaced line', ['a', 'b', 'c'], ['a', 'x', 'c'], ['= a', '~ b → x', '= c']],
    ['lines that replace fewer lines', ['a', 'b', 'd'], ['a', 'x', 'y', 'd'], ['= a', '~ b → x', '+ y', '= d']],
    ['two changes around an equal line', ['a', 'b', 'c'], ['x', 'b', 'y'], ['~ a → x', '= b', '~ c → y']],
    ['an added line that repeats its neighbour', ['a', 'a'], ['a', 'a', 'a'], ['= a', '= a', '+ a']],
    ['an empty text and a line', [], ['a'], ['~  → a']],
  ])('pairs the lines of %s', (_what, before, after, rows) => expect(diff(before, after)).toEqual(rows));

  it('contains every line of both texts, in their order', () => {
    const before = Array.from({ length: 200 }, (_, index) => `line ${(index * 7) % 31}`);
    const after = before
      .filter((_, index) => index % 5 > 0)
      .map((line, index) => (index % 9 === 0 ? `${line}!` : line));
    const rows = diffLines(before.join('\n'), after.join('\n'));
    expect(rows.flatMap((row) => row.before ?? [])).toEqual(before);
    expect(rows.flatMap((row) => row.after ?? [])).toEqual(after);
    for (const { before: one, after: other, isChanged } of rows) if (!isChanged) expect(one).toBe(other);
  });

  it('counts everything between the first and the last difference of two long texts as changed', () => {
    const before = Array.from({ length: 2_100 }, (_, index) => `before ${index}`);
    const after = before.map((line) => line.replace('before', 'after'));
    const rows = diff(['first', ...before, 'last'], ['first', ...after, 'last']);
    expect(rows).toHaveLength(2_102);
    expect([rows[0], rows[1], rows.at(-1)]).toEqual(['= first', '~ before 0 → after 0', '= last']);
  });
});
