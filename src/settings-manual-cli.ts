/** `npm run docs:settings`: writes docs/settings.md from the config classes. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { settingsPage } from './bootstrap/index.js';

const home = join(import.meta.dirname, '..', '..');
await writeFile(join(home, 'docs', 'settings.md'), await settingsPage(home));
