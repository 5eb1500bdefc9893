import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { settingsPage } from './settings-page.js';

it('docs/settings.md matches the config classes; regenerate it with npm run docs:settings', async () => {
  const page = await readFile(join(import.meta.dirname, '..', '..', 'docs', 'settings.md'), 'utf8');
  expect(page).toBe(await settingsPage(join(import.meta.dirname, '..', '..')));
});
