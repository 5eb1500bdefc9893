import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Misbehaviour } from './handshake.js';

export interface HostileCommand {
  readonly command: string;
  readonly args: string[];
  /** Environment of the child process; `stdioRuns` reads the file that it names. */
  readonly env: { HOSTILE_LEDGER: string };
}

/** The compiled executable: a child process does not compile TypeScript. */
const STDIO_EXECUTABLE = fileURLToPath(
  new URL('../../../dist/libs/testing/hostile-server/stdio-main.js', import.meta.url),
).replace('/dist/dist/', '/dist/');

/** The command that starts a hostile stdio server, which records its calls in the file `ledger`. */
export function hostileCommand(era: 'legacy' | 'modern', ledger: string, misbehave: Misbehaviour = {}): HostileCommand {
  const wrongs = Object.entries(misbehave).flatMap(([method, name]) => ['--misbehave', `${method}=${name}`]);
  return {
    command: process.execPath,
    args: [STDIO_EXECUTABLE, '--era', era, ...wrongs],
    env: { HOSTILE_LEDGER: ledger },
  };
}

/** Number of executions of the call with this mark, over all child processes that shared the ledger. */
export function stdioRuns(ledger: string, call: string): number {
  if (!existsSync(ledger)) return 0;
  return readFileSync(ledger, 'utf8')
    .split('\n')
    .filter((line) => line.includes(JSON.stringify(call))).length;
}
