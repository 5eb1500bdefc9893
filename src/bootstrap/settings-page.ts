import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { settingsManual } from '#lib/config';
import { GATEWAY_SETTINGS } from '../gateway-settings.js';

const INTRODUCTION = `# Settings

The gateway reads these environment variables when it starts. An empty variable counts as unset. With an invalid or
unknown variable the gateway does not start; the error message lists every fault. Servers are configured in a file, see
[configuration.md](configuration.md).

\`npm run docs:settings\` generates this page from the config classes.

`;

/** Renders docs/settings.md. `project` is the folder with the sources, whose docstrings are the text of the manual. */
export async function settingsPage(project: string): Promise<string> {
  const texts = await Promise.all(['src', 'libs'].map((folder) => configTexts(join(project, folder))));
  return INTRODUCTION + settingsManual(GATEWAY_SETTINGS, texts.flat());
}

async function configTexts(sources: string): Promise<string[]> {
  const entries = await readdir(sources, { recursive: true });
  const files = entries.filter((entry) => entry.endsWith('.config.ts')).toSorted();
  return await Promise.all(files.map((file) => readFile(join(sources, file), 'utf8')));
}
