import { describe, expect, it } from '@jest/globals';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { foldersIn, placesOf, PROJECT, sourceFiles, type SourceFile } from './source-files.js';

const MAX_LINES = 400;

/** Folders that may name a protocol revision: a new revision adds one codec, one exchange and one dialect. */
const ERA_FOLDERS = /^(libs\/mcp-protocol\/codecs|src\/transport\/exchanges|src\/upstream\/dialects|ui\/src\/mcp)\//;
const TEST_CODE = /((\.(spec|e2e)|-fixture|\/testing)\.ts$|^test\/|^libs\/testing\/)/;

const files = sourceFiles();
const code = files.filter(({ path }) => /\.(tsx?|mjs|js)$/.test(path));
/** Generated from the OpenAPI document, and as long as the API. */
const API_TYPES = 'ui/src/api/schema.ts';
const product = code.filter(({ path }) => /^(src|libs|ui)\//.test(path) && !TEST_CODE.test(path));
// This file contains the patterns, so it is excluded.
const others = files.filter(({ path }) => path !== 'test/architecture/sources.spec.ts');

describe('source files', () => {
  it('are found by the scan', () => {
    for (const folder of ['src/', 'libs/', 'ui/'])
      expect(product.filter(({ path }) => path.startsWith(folder)).length).toBeGreaterThan(20);
  });

  it('mention a protocol revision in the era folders only', () => {
    const outside = product.filter(({ path }) => !ERA_FOLDERS.test(path));
    expect(placesOf(/\b20(24|25|26)-\d\d-\d\d\b/, outside)).toEqual([]);
  });

  it(`have at most ${MAX_LINES} lines a file`, () => {
    const lengthOf = ({ path, lines }: SourceFile) => `${path}: ${lines.length}`;
    const own = code.filter(({ path }) => path !== API_TYPES);
    expect(own.filter(({ lines }) => lines.length > MAX_LINES).map(lengthOf)).toEqual([]);
  });

  it('contain no suppression of a check and no TODO comment', () => {
    const silencer =
      /@ts-(ignore|nocheck|expect-error)|(eslint|oxlint)-disable|prettier-ignore|istanbul ignore|c8 ignore/;
    expect(placesOf(silencer, others)).toEqual([]);
    expect(placesOf(/\b(TODO|FIXME|XXX|HACK)\b/, others)).toEqual([]);
  });

  it('contain no path of a development machine', () => {
    expect(placesOf(/(^|[\s'"`(=:])\/(work|root|tmp\/helpers|tmp\/bash_jobs)(\/|\b)/, others)).toEqual([]);
  });

  it('do not mention issues or the authors of the code', () => {
    expect(placesOf(/\b(issue|ticket) #?\d+\b|\bhelper [A-Z]\b|\b(AI|LLM)[- ](generated|written)\b/i, others)).toEqual(
      [],
    );
  });

  it('take the time from the clock of the application', () => {
    // The sample server is a program of its own, like the server of a user.
    const users = product.filter(({ path }) => /^src\/(?!sample-server\/)/.test(path));
    const bareTime =
      /\b(Date|performance)\.now\b|\bnew Date\(\)|\bset(Timeout|Interval)\b|\btimers\/promises\b|\bAbortSignal\.timeout\b/;
    expect(placesOf(bareTime, users)).toEqual([]);
  });

  it('write no markup into the admin page', () => {
    const page = code.filter(({ path }) => path.startsWith('ui/src/'));
    expect(
      placesOf(/dangerouslySetInnerHTML|\.(inner|outer)HTML\b|insertAdjacentHTML|document\.write\b/, page),
    ).toEqual([]);
  });

  it('import a library by its name, not by a relative path', () => {
    const importers = code.filter(({ path }) => !path.startsWith('test/architecture/'));
    expect(placesOf(/(from|import) ?\(?'(\.\.\/)+libs\//, importers)).toEqual([]);
  });
});

describe('a module folder', () => {
  // A folder with a main.ts is a program that no module imports.
  const modules = foldersIn('src').filter((name) => !existsSync(join(PROJECT, 'src', name, 'main.ts')));

  it.each(modules)('src/%s has a README and an index', (name) => {
    const missing = ['README.md', 'index.ts'].filter((face) => !existsSync(join(PROJECT, 'src', name, face)));
    expect(missing).toEqual([]);
  });
});
