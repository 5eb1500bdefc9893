import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Process ids of the children of a process whose command line contains the text; zombies do not count. */
export async function childrenOf(parent: number, text: string): Promise<number[]> {
  // It fails when there is no child.
  const { stdout } = await run('ps', ['-o', 'pid=,stat=,args=', '--ppid', String(parent)]).catch(() => ({
    stdout: '',
  }));
  return stdout.split('\n').flatMap((line) => {
    const [, pid, stat = '', args = ''] = /^\s*(\d+)\s+(\S+)\s+(.*)$/.exec(line) ?? [];
    return pid === undefined || stat.startsWith('Z') || !args.includes(text) ? [] : [Number(pid)];
  });
}

export function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
