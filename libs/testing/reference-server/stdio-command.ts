import { fileURLToPath } from 'node:url';

export interface ReferenceCommand {
  readonly command: string;
  readonly args: string[];
}

/** The program as it stands in the build: a child process runs no TypeScript. */
const PROGRAM = fileURLToPath(new URL('../../../dist/libs/testing/reference-server/main.js', import.meta.url)).replace(
  '/dist/dist/',
  '/dist/',
);

/** How to start a reference server on stdio. */
export function referenceCommand(era: 'legacy' | 'modern', { pageSize }: { pageSize?: number } = {}): ReferenceCommand {
  const pages = pageSize === undefined ? [] : ['--page-size', String(pageSize)];
  return { command: process.execPath, args: [PROGRAM, '--era', era, '--transport', 'stdio', ...pages] };
}
