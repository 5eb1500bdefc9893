// Runs every `check:*` script of package.json, whatever the others say, and ends with the names of those that failed.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import './check-node.mjs';

const home = dirname(dirname(fileURLToPath(import.meta.url)));
const { scripts } = JSON.parse(readFileSync(`${home}/package.json`, 'utf8'));
const checks = Object.entries(scripts).filter(([name]) => name.startsWith('check:'));

const failed = checks.filter(([name, command]) => {
  process.stdout.write(`\n${name}: ${command}\n`);
  // npm has put node_modules/.bin on the path already.
  return spawnSync(command, { cwd: home, shell: true, stdio: 'inherit' }).status !== 0;
});

process.stdout.write(
  failed.length === 0
    ? `\nAll ${checks.length} checks passed.\n`
    : `\nFailed: ${failed.map(([name]) => name).join(', ')}. Run one alone: npm run ${failed[0][0]}\n`,
);
process.exitCode = failed.length === 0 ? 0 : 1;
