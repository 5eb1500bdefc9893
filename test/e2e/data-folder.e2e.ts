/** @waits */
import { execFile, execFileSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

const MAIN = join(process.cwd(), 'dist/src/main.js');
const run = promisify(execFile);

/** Mounts need a user namespace, which containers may forbid. */
const canMount = (() => {
  try {
    execFileSync('unshare', ['-rm', 'mount', '-t', 'tmpfs', 'none', '/mnt'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
})();

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'isthmus-mount-'));
});

afterEach(() => rm(folder, { recursive: true, force: true }));

/** Starts the gateway with a data folder on a file system with these mount options, and returns what it prints. */
async function startOn(options: string, data: string, before = 'true'): Promise<string> {
  const env = { PATH: process.env['PATH'] ?? '', ISTHMUS_DATA_DIR: data, ISTHMUS_PORT: '0' };
  const script = `mount -t tmpfs none ${folder} && ${before} && mount -t tmpfs -o remount,${options} none ${folder} && exec "$@"`;
  const started = await run('unshare', ['-rm', 'sh', '-c', script, 'sh', process.execPath, MAIN], { env }).catch(
    ({ stdout, stderr }: { stdout: string; stderr: string }) => ({ stdout, stderr }),
  );
  return started.stdout + started.stderr;
}

(canMount ? describe : describe.skip)('a start with a data folder that cannot hold it', () => {
  it('ends at once with a sentence when the file system is read-only', async () => {
    const output = await startOn('ro', join(folder, 'data'));
    expect(output).toMatch(
      /The data folder \S+ cannot be used \(EROFS\): its file system is read-only\. Mount it read-write, or set ISTHMUS_DATA_DIR/,
    );
    expect(output).not.toMatch(/waiting|\n\s+at /);
  });

  it('ends at once with a sentence when the file system is full', async () => {
    const fill = `mkdir -m 700 ${folder}/data && dd if=/dev/zero of=${folder}/fill bs=1k count=64 2>/dev/null`;
    const output = await startOn('size=64k', join(folder, 'data'), fill);
    expect(output).toMatch(
      /cannot be used \(ENOSPC\): its file system is full\. Free some space.*or set ISTHMUS_DATA_DIR/,
    );
    expect(output).not.toMatch(/waiting|\n\s+at /);
  });

  it('ends at once with a sentence when there is no space for the database beside the secrets', async () => {
    const fill = `mkdir -m 700 ${folder}/data && dd if=/dev/zero of=${folder}/fill bs=1k count=64 2>/dev/null`;
    const output = await startOn('size=96k', join(folder, 'data'), fill);
    expect(output).toMatch(/its file system is full\. .*ISTHMUS_DATA_DIR/);
    expect(output).not.toMatch(/waiting|\n\s+at /);
  });
});
