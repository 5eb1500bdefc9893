import { fileURLToPath } from 'node:url';

export interface ReferenceCommand {
  readonly command: string;
  readonly args: string[];
}

/** The compiled program: a child process does not compile TypeScript. */
const PROGRAM = fileURLToPath(new URL('../../../dist/libs/testing/reference-server/main.js', import.meta.url)).replace(
  '/dist/dist/',
  '/dist/',
);

/** The command that starts a reference server over stdio. */
export function referenceCommand(era: 'legacy' | 'modern', { pageSize }: { pageSize?: number } = {}): ReferenceCommand {
  const pages = pageSize === undefined ? [] : ['--page-size', String(pageSize)];
  return { command: process.execPath, args: [PROGRAM, '--era', era, '--transport', 'stdio', ...pages] };
}
