import { describe, expect, it } from '@jest/globals';
import { doorPaths, exportsOf, folderOf, importsOf, type Binding } from './front-doors.js';
import { sourceFiles } from './source-files.js';

const TEST_CODE = /((\.(spec|e2e)|-fixture|\/testing|\/testing\/index)\.ts$|^test\/|^libs\/testing\/)/;
/** Imported by programs outside this repository. */
const PUBLIC_DOORS = new Set(['libs/extension-kit/index.ts', 'src/index.ts', 'libs/testing/kit/index.ts']);

const asText = ({ name, door }: Binding) => `${door}: ${name}`;

/** The exports of each door that other folders import, in product code or in tests. */
function importedBy(isImporter: (path: string) => boolean): ReadonlySet<string> {
  const paths = sourceFiles()
    .map(({ path }) => path)
    .filter((path) => path.endsWith('.ts') && isImporter(path));
  return new Set(
    paths.flatMap((path) =>
      importsOf(path)
        .filter(({ door }) => !path.startsWith(`${folderOf(door)}/`))
        .map(asText),
    ),
  );
}

describe('a front door', () => {
  it('exports only what product code of other folders imports', () => {
    const imported = importedBy((path) => !TEST_CODE.test(path));
    const doors = doorPaths('product').filter((door) => !PUBLIC_DOORS.has(door));
    expect(doors.length).toBeGreaterThan(20);
    const unused = doors.flatMap(exportsOf).filter((binding) => !imported.has(asText(binding)));
    expect(unused.map(asText)).toEqual([]);
  });
});

describe('a testing door', () => {
  it('exports only what tests of other folders import and the front door does not export', () => {
    const imported = importedBy((path) => TEST_CODE.test(path));
    const exported = new Set(
      doorPaths('product').flatMap((door) => exportsOf(door).map(({ name }) => folderOf(door) + name)),
    );
    const wrong = doorPaths('testing')
      .flatMap(exportsOf)
      .filter((binding) => !imported.has(asText(binding)) || exported.has(folderOf(binding.door) + binding.name));
    expect(wrong.map(asText)).toEqual([]);
  });
});
