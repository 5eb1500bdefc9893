/** @runs-alone */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { loadMachine, type BusyMachine } from '../support/busy-machine.js';

const run = promisify(execFile);

const README = readFileSync(join(process.cwd(), 'README.md'), 'utf8');

/** The first block of this language in the README's section "Start". */
function blockOf(language: string): string {
  const section = README.slice(README.indexOf('\n## Start\n'));
  const [, block = ''] = new RegExp(`\n\`\`\`${language}\n([\\s\\S]*?)\n\`\`\`\n`).exec(section) ?? [];
  return block;
}

let folder: string;
let machine: BusyMachine;
let started: ChildProcess | undefined;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'isthmus-first-call-'));
  machine = await loadMachine(3);
});

afterEach(async () => {
  await machine.rest();
  if (started !== undefined) await end(started);
  await rm(folder, { recursive: true, force: true });
});

/** Ends npm, the shell that it starts and the gateway: a process group of their own. */
async function end(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null) return;
  const ended = once(child, 'close');
  process.kill(-child.pid, 'SIGTERM');
  await ended;
}

/** Runs a command of the README as a shell does, and resolves with the line that it prints. */
async function lineOf(command: string, line: RegExp): Promise<string> {
  const env = { ...process.env, ISTHMUS_DATA_DIR: join(folder, 'data'), ISTHMUS_PORT: '0' };
  const child = spawn('sh', ['-c', command], { env, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  started = child;
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (text += chunk.toString()));
  const ended = once(child, 'close').then(() => true);
  for (;;) {
    const [found] = line.exec(text) ?? [];
    if (found !== undefined) return found;
    if (await Promise.race([once(child.stdout, 'data').then(() => false), ended]))
      throw new Error(`${command} ended: ${text}`);
  }
}

// Takes as long as three processes take to start on a machine that is loaded to three times its cores. These are the first
// commands of every user, and a shorter test would not prove that the first call waits for the sample server. `npm ci` is
// not run again: .ci/run runs it on a clean clone.
it('the first call of the README works on a machine loaded to three times its cores', async () => {
  const [install, start = '', ...others] = blockOf('sh').split(' && ');
  expect([install, others]).toEqual(['npm ci', []]);
  const call = await lineOf(start, /^curl -s .*$/m);
  const { stdout } = await run('sh', ['-c', call]);
  expect(JSON.parse(stdout)).toEqual(JSON.parse(blockOf('json')));
});
