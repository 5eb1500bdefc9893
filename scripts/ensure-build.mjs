// Builds when `dist` is missing or older than its sources, so that `npm start` works right after `npm ci`.
import { spawnSync } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import './check-node.mjs';

const home = dirname(dirname(fileURLToPath(import.meta.url)));
const SOURCES = ['src', 'libs', 'test'];
const BUILD_FILES = ['package.json', 'tsconfig.json', 'tsconfig.build.json', 'nest-cli.json'];
const BUILT = 'dist/src/main.js';

const changedAtMs = (path) => statSync(join(home, path), { throwIfNoEntry: false })?.mtimeMs;

/** Folders count too: deleting a file changes only its folder. */
function newestSourceMs() {
  let newest = 0;
  const see = (path) => {
    newest = Math.max(newest, changedAtMs(path) ?? 0);
  };
  for (const file of [...BUILD_FILES, ...SOURCES]) see(file);
  for (const folder of SOURCES.filter((path) => changedAtMs(path) !== undefined)) {
    for (const entry of readdirSync(join(home, folder), { recursive: true })) see(join(folder, entry));
  }
  return newest;
}

const builtAtMs = changedAtMs(BUILT);
// An installation without sources (a container) is always current.
const isCurrent = builtAtMs !== undefined && (changedAtMs('src') === undefined || builtAtMs >= newestSourceMs());
if (!isCurrent) {
  process.stderr.write('Building, which takes some seconds …\n');
  const built = spawnSync(process.execPath, [join(home, 'node_modules/@nestjs/cli/bin/nest.js'), 'build'], {
    cwd: home,
    // Standard output belongs to the program that runs after the build.
    stdio: ['ignore', 2, 2],
  });
  process.exit(built.status ?? 1);
}
