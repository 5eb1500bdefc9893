import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { linkTeamDependencies, TEAM_EXAMPLE } from '../support/team-folder.js';

const run = promisify(execFile);
const PROJECT = process.cwd();

/** The copy of the example outside the repository, in which the packed gateway is installed. */
let team: string;
let archive: readonly string[];

beforeAll(async () => {
  team = await mkdtemp(join(tmpdir(), 'acme-gateway-'));
  await run('npm', ['run', 'build:types']);
  // Everything is built already, and the scripts would build it again while other tests run it.
  const packed = await run('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', team]);
  const [{ filename = '', files = [] } = {}] = JSON.parse(packed.stdout) as {
    filename?: string;
    files?: { path: string }[];
  }[];
  archive = files.map(({ path }) => path);
  await cp(TEAM_EXAMPLE, team, { recursive: true });
  await mkdir(join(team, 'node_modules/isthmus'), { recursive: true });
  await run('tar', ['-xzf', join(team, filename), '-C', join(team, 'node_modules/isthmus'), '--strip-components', '1']);
  await linkTeamDependencies(team);
});

afterAll(() => rm(team, { recursive: true, force: true }));

const inTeam = (program: string, ...args: string[]) =>
  run(process.execPath, [join(team, 'node_modules', program), ...args], {
    cwd: team,
    env: { PATH: process.env['PATH'] ?? '', ISTHMUS_DATA_DIR: join(team, 'data') },
  });

describe('the package', () => {
  it('contains no tests, fixtures, or sources', () => {
    expect(archive.length).toBeGreaterThan(500);
    const unwanted = /(\.(spec|e2e)\.|-fixture\.|\/testing\.(js|d\.ts)$|(^|\/)(test|src)\/.*\.ts$|\.map$)/;
    const isDeclaration = (path: string) => path.startsWith('dist/') && path.endsWith('.d.ts');
    expect(archive.filter((path) => unwanted.test(path) && !isDeclaration(path))).toEqual([]);
  });

  it('contains what its manifest exports', async () => {
    const { exports, bin } = JSON.parse(await readFile(join(PROJECT, 'package.json'), 'utf8')) as {
      exports: Record<string, string | Record<string, string>>;
      bin: Record<string, string>;
    };
    const targets = [...Object.values(exports), bin].flatMap((target) =>
      typeof target === 'string' ? target : Object.values(target),
    );
    const missing = targets.map((target) => target.replace(/^\.\//, '')).filter((path) => !archive.includes(path));
    expect(missing).toEqual([]);
  });

  it('contains the pages about extensions', async () => {
    const pages = await readdir(join(PROJECT, 'docs/extending'));
    expect(archive).toEqual(expect.arrayContaining(pages.map((page) => `docs/extending/${page}`)));
  });

  it('has a program that runs where it is installed', async () => {
    expect((await inTeam('isthmus/bin/isthmus.mjs', '--help')).stdout).toMatch(/^Usage: isthmus/);
    expect((await inTeam('isthmus/bin/isthmus.mjs', 'token', '--subject', 'ada')).stdout).toMatch(/^eyJ/);
  });
});

describe("a team's own gateway", () => {
  beforeAll(async () => {
    // The compiler writes its errors to the standard output, which an error of `execFile` does not contain.
    await inTeam('typescript/bin/tsc').catch(({ stdout }: { stdout: string }) => {
      throw new Error(stdout);
    });
  });

  it('passes its unit and end-to-end tests with the installed package', async () => {
    const tests = (await readdir(join(team, 'dist/test'))).filter((file) => file.endsWith('.test.js'));
    const { stdout } = await run(process.execPath, ['--test', ...tests.map((file) => join(team, 'dist/test', file))], {
      cwd: team,
      env: { PATH: process.env['PATH'] ?? '' },
    });
    expect(stdout).toMatch(/^ℹ pass [1-9]\d*$/m);
    expect(stdout).toMatch(/^ℹ fail 0$/m);
  });

  it.each([
    ['with a main of its own', ['dist/src/main.js'], {}],
    [
      'as an extension of the stock gateway',
      ['node_modules/isthmus/bin/isthmus.mjs', 'start'],
      { ISTHMUS_EXTENSIONS: './dist/src/acme.module.js' },
    ],
  ])('starts %s', async (_, args, variables) => {
    const data = await mkdtemp(join(tmpdir(), 'acme-data-'));
    const env = { PATH: process.env['PATH'] ?? '', ISTHMUS_DATA_DIR: data, ISTHMUS_PORT: '0', ...variables };
    const child = execFile(process.execPath, args, { cwd: team, env });
    try {
      const url = await readUrl(child.stdout);
      const badge = { authorization: 'Bearer acme-badge-7f3a91c2d4', 'content-type': 'application/json' };
      const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'ping' });
      const answer = await fetch(`${url}/rpc`, { method: 'POST', headers: badge, body });
      expect(await answer.json()).toEqual({ jsonrpc: '2.0', id: 1, result: {} });
    } finally {
      child.kill('SIGKILL');
      await rm(data, { recursive: true, force: true });
    }
  });
});

/** The URL in the greeting. */
async function readUrl(output: AsyncIterable<string> | null): Promise<string> {
  let text = '';
  for await (const chunk of output ?? []) {
    text += chunk;
    const url = /Isthmus is ready at (http:\/\/\S+)\/mcp/.exec(text)?.[1];
    if (url !== undefined) return url;
  }
  throw new Error(`The gateway ended without its greeting: ${text}`);
}
