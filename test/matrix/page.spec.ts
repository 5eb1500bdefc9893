import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { FEATURES } from './features/index.js';
import { compatibilityPage } from './page.js';

it('docs/compatibility.md shows the table as it is; npm run docs:compatibility writes it anew', async () => {
  const page = await readFile(join(import.meta.dirname, '../../docs/compatibility.md'), 'utf8');
  expect(page).toBe(compatibilityPage());
});

it('the table has no row twice: a test is found by its name', () => {
  const names = FEATURES.flatMap(({ features }) => features.map(({ name }) => name));
  expect(new Set(names).size).toBe(names.length);
});
