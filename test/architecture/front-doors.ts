import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import ts from 'typescript';
import { foldersIn, PROJECT } from './source-files.js';

/** A name that one module exports or imports. */
export interface Binding {
  readonly name: string;
  readonly door: string;
}

/** The doors of all folders of `src` and `libs`, for the product or for tests. */
export function doorPaths(kind: 'product' | 'testing'): string[] {
  const pathOf = (base: string, name: string) => {
    if (kind === 'product') return `${base}/${name}/index.ts`;
    return base === 'src' ? `src/${name}/testing.ts` : `libs/${name}/testing/index.ts`;
  };
  return ['src', 'libs']
    .flatMap((base) => foldersIn(base).map((name) => pathOf(base, name)))
    .filter((path) => !path.startsWith('libs/testing/') && existsSync(join(PROJECT, path)));
}

/** The folder that a door belongs to: `src/registry`. */
export const folderOf = (door: string): string => door.split('/').slice(0, 2).join('/');

export function exportsOf(door: string): Binding[] {
  return statementsOf(door).flatMap((statement) => {
    if (!ts.isExportDeclaration(statement) || !statement.exportClause) return [];
    const { exportClause } = statement;
    if (!ts.isNamedExports(exportClause)) return [{ name: '*', door }];
    return exportClause.elements.map(({ name }) => ({ name: name.text, door }));
  });
}

/** What a file imports, with the file that it names: `#lib/x` is `libs/x/index.ts`. */
export function importsOf(path: string): Binding[] {
  return statementsOf(path).flatMap((statement) => {
    if (!ts.isImportDeclaration(statement) && !ts.isExportDeclaration(statement)) return [];
    const { moduleSpecifier } = statement;
    if (!moduleSpecifier || !ts.isStringLiteral(moduleSpecifier)) return [];
    const door = resolveImport(path, moduleSpecifier.text);
    const clause = ts.isImportDeclaration(statement) ? statement.importClause?.namedBindings : statement.exportClause;
    if (!clause || !(ts.isNamedImports(clause) || ts.isNamedExports(clause))) return [];
    return clause.elements.map(({ name, propertyName }) => ({ name: (propertyName ?? name).text, door }));
  });
}

function resolveImport(path: string, specifier: string): string {
  if (specifier.startsWith('#lib/')) return `libs/${specifier.slice('#lib/'.length)}/index.ts`;
  return posix.join(dirname(path), specifier).replace(/\.js$/, '.ts');
}

function statementsOf(path: string): readonly ts.Statement[] {
  const text = readFileSync(join(PROJECT, path), 'utf8');
  return ts.createSourceFile(path, text, ts.ScriptTarget.Latest).statements;
}
