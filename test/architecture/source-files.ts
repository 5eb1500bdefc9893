import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

/** The folder that holds package.json. */
export const PROJECT = dirname(dirname(import.meta.dirname));

const NOT_OURS = new Set(['.git', 'node_modules', 'dist', 'coverage', 'data', 'test-results', 'package-lock.json']);
const TEXT = /(\.(tsx?|js|mjs|json|md|ya?ml|sh|lua|conf|css|html)|Dockerfile|\.ci\/run)$/;

export interface SourceFile {
  /** Relative to the project, with forward slashes. */
  readonly path: string;
  readonly lines: readonly string[];
}

/** All text files of the repository, in a stable order. */
export function sourceFiles(): SourceFile[] {
  return pathsBelow(PROJECT)
    .filter((path) => TEXT.test(path))
    .toSorted()
    .map((path) => ({ path, lines: linesOf(readFileSync(join(PROJECT, path), 'utf8')) }));
}

/** `path:line` of each line that matches. */
export function placesOf(pattern: RegExp, files: readonly SourceFile[]): string[] {
  return files.flatMap(({ path, lines }) =>
    lines.flatMap((line, index) => (pattern.test(line) ? [`${path}:${index + 1}: ${line.trim()}`] : [])),
  );
}

/** Names of the direct subfolders. */
export function foldersIn(path: string): string[] {
  return readdirSync(join(PROJECT, path), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .toSorted();
}

function linesOf(text: string): string[] {
  const lines = text.split('\n');
  return lines.at(-1) === '' ? lines.slice(0, -1) : lines;
}

function pathsBelow(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => !NOT_OURS.has(entry.name))
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      return entry.isDirectory() ? pathsBelow(path) : [relative(PROJECT, path)];
    });
}
