import { describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { placesOf, PROJECT, sourceFiles } from './source-files.js';

/** Words that had to be decoded, with what to write instead. The list lies outside the folders that it judges. */
const replacements = JSON.parse(readFileSync(join(PROJECT, 'scripts/replaced-words.json'), 'utf8')) as Record<
  string,
  string
>;

const judged = sourceFiles().filter(({ path }) => /^(src|libs|test|docs)\/|^[A-Z]+\.md$/.test(path));

/** The word alone or as a part of an identifier: `word`, `isWord`, `wordOf`, `WORD_OF`. Not as a part of another word. */
function occurrencesOf(word: string): RegExp {
  const [first = '', ...rest] = word;
  const capitalized = first.toUpperCase() + rest.join('');
  return new RegExp(
    `(?<![A-Za-z])${word}(?![a-z])|${capitalized}(?![a-z])|(?<![A-Za-z])${word.toUpperCase()}(?![A-Za-z])`,
  );
}

describe('the language of the repository', () => {
  it('is judged in all folders and pages', () => {
    const paths = new Set(judged.map(({ path }) => path.split('/')[0]));
    expect([...paths]).toEqual(expect.arrayContaining(['README.md', 'CONTRIBUTING.md', 'docs', 'libs', 'src', 'test']));
  });

  it.each(Object.entries(replacements))('uses a standard term instead of "%s" (%s)', (word) => {
    const pattern = occurrencesOf(word);
    const named = judged.filter(({ path }) => pattern.test(path)).map(({ path }) => path);
    expect([...named, ...placesOf(pattern, judged)]).toEqual([]);
  });

  it('is searched in words and identifiers, and not in parts of other words', () => {
    const pattern = occurrencesOf('old');
    const texts = ['old', 'Old ones', 'isOld', 'oldOf', 'OLD_LIMIT', 'an-old.ts', 'hold', 'olden', 'threshold', 'BOLD'];
    expect(texts.filter((text) => pattern.test(text))).toEqual(texts.slice(0, 6));
  });
});
