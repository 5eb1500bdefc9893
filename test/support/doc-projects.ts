import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join, sep } from 'node:path';
import { promisify } from 'node:util';
import { readCommands, readDocBlocks, type DocBlock } from './doc-blocks.js';
import { linkTeamDependencies } from './team-folder.js';

const run = promisify(execFile);
const PROJECT = process.cwd();

/** A page whose files form one small project of a team. */
export interface DocProject {
  readonly page: string;
  /** Name of its folder, and of the page. */
  readonly name: string;
  readonly blocks: readonly DocBlock[];
}

export const readDocProject = (page: string): DocProject => ({
  page,
  name: basename(page, '.md'),
  blocks: readDocBlocks(page),
});

/** Languages of blocks that a test checks. The others (`text`, `console`, `mermaid`) are for the reader. */
const CHECKED = new Set(['ts', 'js', 'json', 'yaml', 'proto']);

/** Blocks that are neither a file nor an excerpt of a file of their page. */
export function unboundBlocks({ blocks }: DocProject): DocBlock[] {
  const files = blocks.filter(({ file }) => file !== undefined).map(({ text }) => withoutIndentation(text));
  return blocks
    .filter(({ language, file }) => CHECKED.has(language) && file === undefined)
    .filter(({ text }) => !files.some((content) => content.includes(withoutIndentation(text))));
}

const withoutIndentation = (text: string): string => text.replaceAll(/^ +/gm, '');

/** The folder of the projects, below which the gateway is installed as a team would install it. */
export async function createDocProjects(projects: readonly DocProject[]): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'isthmus-extending-'));
  await Promise.all([installGateway(root), linkTeamDependencies(root), writeProjects(root, projects)]);
  return root;
}

/** Copies what the package contains, with type declarations from the current sources. */
async function installGateway(root: string): Promise<void> {
  const target = join(root, 'node_modules/isthmus');
  const parts = ['package.json', 'bin', 'scripts/check-node.mjs', 'dist/src', 'dist/libs'];
  for (const part of parts) await cp(join(PROJECT, part), join(target, part), { recursive: true });
  await mkdir(join(root, 'node_modules/.bin'), { recursive: true });
  await symlink('../isthmus/bin/isthmus.mjs', join(root, 'node_modules/.bin/isthmus'));
  await writeFile(join(root, 'tsconfig.types.json'), JSON.stringify(typesInto(join(target, 'dist'))));
  await runTsc('-p', join(root, 'tsconfig.types.json'));
}

/**
 * Declarations outside the repository, where the `imports` of package.json no longer lead from them to the sources. The sources
 * themselves are checked elsewhere (`npm run check:types`).
 */
const typesInto = (outDir: string): object => ({
  extends: join(PROJECT, 'tsconfig.types.json'),
  compilerOptions: { outDir, noCheck: true, paths: { '#lib/*': [join(PROJECT, 'libs/*/index.ts')] } },
});

async function writeProjects(root: string, projects: readonly DocProject[]): Promise<void> {
  await writeFile(join(root, 'package.json'), JSON.stringify({ type: 'module' }));
  await writeFile(join(root, 'tsconfig.json'), JSON.stringify(STRICT));
  for (const { name, blocks } of projects) {
    await mkdir(join(root, name));
    await symlink(join(root, 'dist', name), join(root, name, 'dist'));
    for (const { file, text } of blocks) if (file !== undefined) await write(join(root, name, file), text);
  }
}

async function write(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  // A block that repeats the name of a file would replace the first one.
  await writeFile(path, text, { flag: 'wx' });
}

/** The options that the entry page shows, and those of the strictest teams. */
const STRICT = {
  extends: './extending/tsconfig.json',
  compilerOptions: {
    rootDir: '.',
    outDir: 'dist',
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    noImplicitOverride: true,
    noImplicitReturns: true,
    noPropertyAccessFromIndexSignature: true,
    noUnusedLocals: true,
    noUnusedParameters: true,
  },
  include: ['*/src', '*/test'],
};

/** Compiles all projects at once. Rejects with the errors of the compiler. */
export const compileDocProjects = (root: string): Promise<void> => runTsc('-p', root);

async function runTsc(...args: string[]): Promise<void> {
  try {
    await run(process.execPath, [join(PROJECT, 'node_modules/typescript/bin/tsc'), ...args], { cwd: PROJECT });
  } catch (cause) {
    throw new Error(`The compiler found errors:\n${(cause as { stdout?: string }).stdout}`, { cause });
  }
}

/** A test of a page that has ended. */
export interface DocTestResult {
  /** The compiled file that contains it. */
  readonly file: string;
  readonly name: string;
  /** Undefined: it passed. */
  readonly failure?: string;
  readonly isSkipped: boolean;
}

/** Runs the tests of all pages with Node's test runner, in one process: each page alone would load the gateway again. */
export async function runDocTests(root: string): Promise<DocTestResult[]> {
  // A page whose set-up fails may leave servers open.
  const reporter = join(PROJECT, 'scripts/test-results-reporter.mjs');
  const args = [
    '--test',
    '--test-isolation=none',
    '--test-force-exit',
    `--test-reporter=${reporter}`,
    'dist/*/test/*.test.js',
  ];
  const { code, output, errors } = await runProgram(root, root, process.execPath, args);
  const lines = output.split('\n').filter((line) => line.startsWith('{'));
  const results = lines.map((line) => JSON.parse(line) as DocTestResult);
  if (code === 0 || results.some(({ failure }) => failure !== undefined)) return results;
  throw new Error(`The test runner ended with ${code}:\n${output}${errors}`);
}

/** The results of the tests of one page. */
export const resultsOf = (results: readonly DocTestResult[], root: string, { name }: DocProject): DocTestResult[] =>
  results.filter(({ file }) => file.startsWith(join(root, 'dist', name, 'test') + sep));

/** Runs the commands of a page in the folder of its project. Rejects with their output when one fails. */
export async function runDocCommands(root: string, { page, name }: DocProject): Promise<void> {
  const { code, output, errors } = await runProgram(root, join(root, name), 'bash', [
    '-euo',
    'pipefail',
    '-c',
    readCommands(page),
  ]);
  if (code !== 0) throw new Error(`The commands of ${page} failed with ${code}:\n${output}${errors}`);
}

/** Runs a program below the folder of the projects, with the program of the package in the path. */
async function runProgram(root: string, cwd: string, program: string, args: readonly string[]): Promise<ProgramEnd> {
  const path = [join(root, 'node_modules/.bin'), dirname(process.execPath), process.env['PATH']].join(':');
  const env = { PATH: path, HOME: root, ISTHMUS_DATA_DIR: join(root, 'data') };
  try {
    const { stdout, stderr } = await run(program, [...args], { cwd, env });
    return { code: 0, output: stdout, errors: stderr };
  } catch (cause) {
    const { code, stdout = '', stderr = '' } = cause as { code?: number | string; stdout?: string; stderr?: string };
    return { code: code ?? 'a signal', output: stdout, errors: stderr };
  }
}

interface ProgramEnd {
  readonly code: number | string;
  readonly output: string;
  readonly errors: string;
}
