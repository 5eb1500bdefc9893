import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { settingsManual } from '#lib/config';
import { GATEWAY_SETTINGS } from './gateway-settings.js';

const INTRODUCTION = `# Settings

Environment variables that the gateway reads at its start. An empty one counts as absent; a bad or unknown one keeps the
gateway from starting, with a message that names every fault at once. Servers are configured in a file:
[configuration.md](configuration.md).

This page is written by \`npm run docs:settings\`.

`;

/** The text of docs/settings.md. `project` is the folder with the sources, whose docstrings are the manual. */
export async function settingsPage(project: string): Promise<string> {
  const texts = await Promise.all(['src', 'libs'].map((folder) => configTexts(join(project, folder))));
  return INTRODUCTION + settingsManual(GATEWAY_SETTINGS, texts.flat());
}

async function configTexts(sources: string): Promise<string[]> {
  const entries = await readdir(sources, { recursive: true });
  const files = entries.filter((entry) => entry.endsWith('.config.ts')).toSorted();
  return await Promise.all(files.map((file) => readFile(join(sources, file), 'utf8')));
}
