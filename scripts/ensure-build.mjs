// Builds what is missing or older than its sources, so that `npm start` works right after `npm ci`.
import { spawnSync } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import './check-node.mjs';

const home = dirname(dirname(fileURLToPath(import.meta.url)));
const GATEWAY = {
  built: 'dist/src/main.js',
  folders: ['src', 'libs', 'test'],
  files: ['package.json', 'tsconfig.json', 'tsconfig.build.json', 'nest-cli.json'],
  command: ['node_modules/@nestjs/cli/bin/nest.js', 'build'],
};
const ADMIN_PAGE = {
  built: 'dist/ui/index.html',
  folders: ['ui/src', 'ui/scripts'],
  files: ['ui/package.json', 'ui/index.html', 'ui/tsconfig.json', 'ui/vite.config.ts'],
  command: ['node_modules/vite/bin/vite.js', 'build', 'ui', '--logLevel', 'warn'],
};

const changedAtMs = (path) => statSync(join(home, path), { throwIfNoEntry: false })?.mtimeMs;

/** Folders count too: deleting a file changes only its folder. */
function newestSourceMs({ files, folders }) {
  let newest = 0;
  const see = (path) => {
    newest = Math.max(newest, changedAtMs(path) ?? 0);
  };
  for (const file of [...files, ...folders]) see(file);
  for (const folder of folders.filter((path) => changedAtMs(path) !== undefined)) {
    for (const entry of readdirSync(join(home, folder), { recursive: true })) see(join(folder, entry));
  }
  return newest;
}

/** An installation without sources (a container) is always current. */
function isCurrent(target) {
  const builtAtMs = changedAtMs(target.built);
  if (changedAtMs(target.folders[0]) === undefined) return builtAtMs !== undefined;
  return builtAtMs !== undefined && builtAtMs >= newestSourceMs(target);
}

function build({ command: [script, ...args] }) {
  const options = { cwd: home, stdio: ['ignore', 2, 2] };
  // Standard output belongs to the program that runs after the build.
  const { status } = spawnSync(process.execPath, [join(home, script), ...args], options);
  if (status !== 0) process.exit(status ?? 1);
}

// The build of the gateway removes all of `dist`.
const outdated = isCurrent(GATEWAY) ? [ADMIN_PAGE].filter((target) => !isCurrent(target)) : [GATEWAY, ADMIN_PAGE];
if (outdated.length > 0) process.stderr.write('Building, which takes some seconds …\n');
for (const target of outdated) build(target);
