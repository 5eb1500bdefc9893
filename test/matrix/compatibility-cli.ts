/** `npm run docs:compatibility`: writes docs/compatibility.md from the table of features. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { compatibilityPage } from './page.js';

const home = join(import.meta.dirname, '..', '..', '..');
await writeFile(join(home, 'docs', 'compatibility.md'), compatibilityPage());
