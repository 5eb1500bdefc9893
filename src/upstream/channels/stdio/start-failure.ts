import { statSync, type Stats } from 'node:fs';
import { resolve } from 'node:path';
import type { StdioServer } from '../../../registry/index.js';

/** Says for operators why a program could not be started. The operating system names neither program nor folder. */
export function describeStartFailure({ command, cwd }: StdioServer, error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (cwd !== undefined && !isFolder(cwd)) {
    return `the working directory "${cwd}" ${exists(cwd) ? 'is not a folder' : 'does not exist'}`;
  }
  if (code === 'EACCES') return `the program "${command}" may not be executed (EACCES)`;
  if (code !== 'ENOENT')
    return `the program "${command}" could not be started: ${error instanceof Error ? error.message : String(error)}`;
  if (!command.includes('/')) return `the program "${command}" was not found on the PATH of the gateway (ENOENT)`;
  // A script names its interpreter in its first line.
  const missing = exists(resolve(cwd ?? '.', command)) ? 'the interpreter of the program' : 'the program';
  return `${missing} "${command}" does not exist (ENOENT)`;
}

const exists = (path: string): boolean => statusOf(path) !== undefined;

const isFolder = (path: string): boolean => statusOf(path)?.isDirectory() === true;

function statusOf(path: string): Stats | undefined {
  try {
    return statSync(path);
  } catch {
    // Absent, not readable, or no valid path at all.
    return undefined;
  }
}
