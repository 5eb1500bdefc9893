import { expect, it } from '@jest/globals';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { PROJECT, sourceFiles } from './source-files.js';

/** A collection that starts empty and lives as long as its object or process. */
const GROWING =
  /^(?: +private (?:readonly )?\w+(?:: [^=]*(?:=> [^=]*)*)?|(?:const|let) \w+(?:: (?!Readonly)[^=]+)?) = (?:new (?:Map|Set)\b.*\(\)|\[\]);$/;
const TEST_CODE = /\.spec\.ts$|-fixture\.ts$|\/testing|^libs\/testing\//;

const page = readFileSync(join(PROJECT, 'docs/bounds.md'), 'utf8');
const linked = Array.from(page.matchAll(/\]\(\.\.\/([^)]+)\)/g), ([, path = '']) => path);

it('docs/bounds.md names every file that holds a growing map, set or list', () => {
  const holders = sourceFiles()
    .filter(({ path }) => /^(?:src|libs)\/.*\.ts$/.test(path) && !TEST_CODE.test(path))
    .filter(({ lines }) => lines.some((line) => GROWING.test(line)))
    .map(({ path }) => path);
  expect(holders.length).toBeGreaterThan(50);
  expect(holders.filter((path) => !linked.includes(path) && !linked.includes(dirname(path)))).toEqual([]);
});

it('docs/bounds.md names only files that exist', () => {
  expect(linked.filter((path) => !existsSync(join(PROJECT, path)))).toEqual([]);
});
