import { describe, expect, it } from '@jest/globals';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { foldersIn, placesOf, PROJECT, sourceFiles, type SourceFile } from './source-files.js';

const MOST_LINES = 400;

/** Where a revision of the protocol may be named: a new one is one codec, one exchange, one dialect. */
const ERA_FOLDERS = /^(libs\/mcp-protocol\/codecs|src\/transport\/exchanges|src\/upstream\/dialects)\//;
const TEST_CODE = /((\.(spec|e2e)|-fixture|\/testing)\.ts$|^test\/|^libs\/testing\/)/;

const files = sourceFiles();
const code = files.filter(({ path }) => /\.(ts|mjs|js)$/.test(path));
const product = code.filter(({ path }) => /^(src|libs)\//.test(path) && !TEST_CODE.test(path));
// The patterns below are written in this file, where they would find themselves.
const others = files.filter(({ path }) => path !== 'test/architecture/sources.spec.ts');

describe('source files', () => {
  it('are found by these tests', () => {
    expect(product.length).toBeGreaterThan(20);
  });

  it('mention a protocol revision in the era folders only', () => {
    const outside = product.filter(({ path }) => !ERA_FOLDERS.test(path));
    expect(placesOf(/\b20(24|25|26)-\d\d-\d\d\b/, outside)).toEqual([]);
  });

  it(`have at most ${MOST_LINES} lines a file`, () => {
    const lengthOf = ({ path, lines }: SourceFile) => `${path}: ${lines.length}`;
    expect(code.filter(({ lines }) => lines.length > MOST_LINES).map(lengthOf)).toEqual([]);
  });

  it('contain no suppression comments and no to-do notes', () => {
    const silencer =
      /@ts-(ignore|nocheck|expect-error)|(eslint|oxlint)-disable|prettier-ignore|istanbul ignore|c8 ignore/;
    expect(placesOf(silencer, others)).toEqual([]);
    expect(placesOf(/\b(TODO|FIXME|XXX|HACK)\b/, others)).toEqual([]);
  });

  it('mention no path of the machine on which they were written', () => {
    expect(placesOf(/(^|[\s'"`(=:])\/(work|root|tmp\/helpers|tmp\/bash_jobs)(\/|\b)/, others)).toEqual([]);
  });

  it('do not mention how they were written', () => {
    expect(placesOf(/\b(issue|ticket) #?\d+\b|\bhelper [A-Z]\b|\b(AI|LLM)[- ](generated|written)\b/i, others)).toEqual(
      [],
    );
  });

  it('import a library by its name, not by its path', () => {
    const importers = code.filter(({ path }) => !path.startsWith('test/architecture/'));
    expect(placesOf(/(from|import) ?\(?'(\.\.\/)+libs\//, importers)).toEqual([]);
  });
});

describe('a module folder', () => {
  // A folder with a main.ts is a program of its own, which nobody imports.
  const modules = foldersIn('src').filter((name) => !existsSync(join(PROJECT, 'src', name, 'main.ts')));

  it.each(modules)('src/%s has a README.md and an index.ts', (name) => {
    const missing = ['README.md', 'index.ts'].filter((face) => !existsSync(join(PROJECT, 'src', name, face)));
    expect(missing).toEqual([]);
  });
});
