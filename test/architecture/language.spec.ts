import { describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { placesOf, PROJECT, sourceFiles } from './source-files.js';

/** Replaced words, with the terms to use instead. The list is outside the folders that it applies to. */
const replacements = JSON.parse(readFileSync(join(PROJECT, 'scripts/replaced-words.json'), 'utf8')) as Record<
  string,
  string
>;

const checked = sourceFiles().filter(({ path }) => /^(src|libs|test|docs|ui)\/|^[A-Z]+\.md$/.test(path));

/** The word alone or as a part of an identifier: `word`, `isWord`, `wordOf`, `WORD_OF`. Not as a part of another word. */
function occurrencesOf(word: string): RegExp {
  const [first = '', ...rest] = word;
  const capitalized = first.toUpperCase() + rest.join('');
  return new RegExp(
    `(?<![A-Za-z])${word}(?![a-z])|${capitalized}(?![a-z])|(?<![A-Za-z])${word.toUpperCase()}(?![A-Za-z])`,
  );
}

describe('the language of the repository', () => {
  it('is checked in all folders and pages', () => {
    const paths = new Set(checked.map(({ path }) => path.split('/')[0]));
    expect([...paths]).toEqual(
      expect.arrayContaining(['README.md', 'CONTRIBUTING.md', 'docs', 'libs', 'src', 'test', 'ui']),
    );
  });

  it.each(Object.entries(replacements))('uses a standard term instead of "%s" (%s)', (word) => {
    const pattern = occurrencesOf(word);
    const named = checked.filter(({ path }) => pattern.test(path)).map(({ path }) => path);
    expect([...named, ...placesOf(pattern, checked)]).toEqual([]);
  });

  it('is searched in words and identifiers, and not in parts of other words', () => {
    const pattern = occurrencesOf('old');
    const texts = ['old', 'Old ones', 'isOld', 'oldOf', 'OLD_LIMIT', 'an-old.ts', 'hold', 'olden', 'threshold', 'BOLD'];
    expect(texts.filter((text) => pattern.test(text))).toEqual(texts.slice(0, 6));
  });
});
