import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Ids of the child processes whose command line contains the text, without zombies. */
export async function childrenOf(parent: number, text: string): Promise<number[]> {
  // ps fails when there is no child process.
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
