// Runs all `check:*` scripts of package.json, one per core at a time, even if one fails, and prints the failed ones.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import './check-node.mjs';

const home = dirname(dirname(fileURLToPath(import.meta.url)));
const { scripts } = JSON.parse(readFileSync(`${home}/package.json`, 'utf8'));
const checks = Object.entries(scripts).filter(([name]) => name.startsWith('check:'));
const env = { ...process.env, ...(process.stdout.isTTY && { FORCE_COLOR: '1' }) };

/** Prints the output of a check when it ends, so that the outputs of parallel checks do not mix. */
async function passes([name, command]) {
  const startedAt = performance.now();
  // npm has put node_modules/.bin on the path already.
  const child = spawn(command, { cwd: home, shell: true, env, stdio: ['ignore', 'pipe', 'pipe'] });
  const output = [];
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => output.push(chunk));
  const [code] = await once(child, 'close');
  const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1);
  process.stdout.write(`\n${name}: ${command} (${seconds} s)\n${Buffer.concat(output).toString()}`);
  return code === 0;
}

const waiting = [...checks];
const failed = [];
async function work() {
  for (let check = waiting.shift(); check !== undefined; check = waiting.shift()) {
    if (!(await passes(check))) failed.push(check[0]);
  }
}
await Promise.all(Array.from({ length: availableParallelism() }, work));

process.stdout.write(
  failed.length === 0
    ? `\nAll ${checks.length} checks passed.\n`
    : `\nFailed: ${failed.join(', ')}. Run one alone: npm run ${failed[0]}\n`,
);
process.exitCode = failed.length === 0 ? 0 : 1;
