import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { execPath } from 'node:process';
import type { Variables } from '#lib/config';

/** Returns the variables that the gateway itself provides to the configuration file. */
export function builtInVariables(): Variables {
  return { ISTHMUS_HOME: installFolder(import.meta.dirname), ISTHMUS_NODE: execPath };
}

/** Finds the closest ancestor folder with a package.json, because the depth of this file differs between source and build. */
function installFolder(folder: string): string {
  const parent = dirname(folder);
  return parent === folder || existsSync(join(folder, 'package.json')) ? folder : installFolder(parent);
}
