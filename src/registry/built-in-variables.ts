import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { execPath } from 'node:process';
import type { Variables } from '#lib/config';

/** Variables that the gateway itself provides to the configuration file. */
export function builtInVariables(): Variables {
  return { ISTHMUS_HOME: installFolder(import.meta.dirname), ISTHMUS_NODE: execPath };
}

/** The folder with package.json above this file, wherever the build has put it. */
function installFolder(folder: string): string {
  const parent = dirname(folder);
  return parent === folder || existsSync(join(folder, 'package.json')) ? folder : installFolder(parent);
}
