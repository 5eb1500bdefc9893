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

describe('sources', () => {
  it('are found', () => {
    expect(product.length).toBeGreaterThan(20);
  });

  it('name a protocol date in the era folders only', () => {
    const outside = product.filter(({ path }) => !ERA_FOLDERS.test(path));
    expect(placesOf(/\b20(24|25|26)-\d\d-\d\d\b/, outside)).toEqual([]);
  });

  it(`have at most ${MOST_LINES} lines a file`, () => {
    const lengthOf = ({ path, lines }: SourceFile) => `${path}: ${lines.length}`;
    expect(code.filter(({ lines }) => lines.length > MOST_LINES).map(lengthOf)).toEqual([]);
  });

  it('silence no check and leave no note to do it later', () => {
    const silencer =
      /@ts-(ignore|nocheck|expect-error)|(eslint|oxlint)-disable|prettier-ignore|istanbul ignore|c8 ignore/;
    expect(placesOf(silencer, others)).toEqual([]);
    expect(placesOf(/\b(TODO|FIXME|XXX|HACK)\b/, others)).toEqual([]);
  });

  it('name no place of the machine they were written on', () => {
    expect(placesOf(/(^|[\s'"`(=:])\/(work|root|tmp\/helpers|tmp\/bash_jobs)(\/|\b)/, others)).toEqual([]);
  });

  it('speak of the product, not of how it came about', () => {
    expect(placesOf(/\b(issue|ticket) #?\d+\b|\bhelper [A-Z]\b|\b(AI|LLM)[- ](generated|written)\b/i, others)).toEqual(
      [],
    );
  });

  it('import a library by its name, never by its place', () => {
    const importers = code.filter(({ path }) => !path.startsWith('test/architecture/'));
    expect(placesOf(/(from|import) ?\(?'(\.\.\/)+libs\//, importers)).toEqual([]);
  });
});

describe('a module folder', () => {
  // A folder with a main.ts is a program of its own, which nobody imports.
  const modules = foldersIn('src').filter((name) => !existsSync(join(PROJECT, 'src', name, 'main.ts')));

  it.each(modules)('src/%s shows the same faces as all others', (name) => {
    const missing = ['README.md', 'index.ts'].filter((face) => !existsSync(join(PROJECT, 'src', name, face)));
    expect(missing).toEqual([]);
  });
});
