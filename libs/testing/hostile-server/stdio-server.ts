import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Misbehaviour } from './handshake.js';

export interface HostileCommand {
  readonly command: string;
  readonly args: string[];
  /** Give it to the child; `stdioRuns` reads what it leaves behind. */
  readonly env: { HOSTILE_LEDGER: string };
}

/** The executable as it stands in the build: a child process runs no TypeScript. */
const STDIO_EXECUTABLE = fileURLToPath(
  new URL('../../../dist/libs/testing/hostile-server/stdio-main.js', import.meta.url),
).replace('/dist/dist/', '/dist/');

/** How to start a hostile server on stdio that notes its calls in the file `ledger`. */
export function hostileCommand(era: 'legacy' | 'modern', ledger: string, misbehave: Misbehaviour = {}): HostileCommand {
  const wrongs = Object.entries(misbehave).flatMap(([method, name]) => ['--misbehave', `${method}=${name}`]);
  return {
    command: process.execPath,
    args: [STDIO_EXECUTABLE, '--era', era, ...wrongs],
    env: { HOSTILE_LEDGER: ledger },
  };
}

/** How often the call with this mark ran, in all the children that shared the ledger. */
export function stdioRuns(ledger: string, call: string): number {
  if (!existsSync(ledger)) return 0;
  return readFileSync(ledger, 'utf8')
    .split('\n')
    .filter((line) => line.includes(JSON.stringify(call))).length;
}
