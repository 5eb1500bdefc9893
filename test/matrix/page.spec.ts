import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { FEATURES } from './features/index.js';
import { compatibilityPage } from './page.js';

it('docs/compatibility.md matches the feature table (npm run docs:compatibility updates it)', async () => {
  const page = await readFile(join(import.meta.dirname, '../../docs/compatibility.md'), 'utf8');
  expect(page).toBe(compatibilityPage());
});

it('every feature of the compatibility table has a unique name, so that a test can be selected by it', () => {
  const names = FEATURES.flatMap(({ features }) => features.map(({ name }) => name));
  expect(new Set(names).size).toBe(names.length);
});
