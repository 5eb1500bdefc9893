import { readdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  compileDocProjects,
  createDocProjects,
  readDocProject,
  resultsOf,
  runDocCommands,
  runDocTests,
  unboundBlocks,
  type DocProject,
  type DocTestResult,
} from '../support/doc-projects.js';

// Compiles the type declarations of the package and all pages, and starts gateways for each page, which takes most of its time.

const pages = readdirSync(join(process.cwd(), 'docs/extending')).map((file) => `docs/extending/${file}`);
const projects = ['docs/extending.md', ...pages].map(readDocProject);
let root = '';
let results: readonly DocTestResult[];

beforeAll(async () => {
  root = await createDocProjects(projects);
  await compileDocProjects(root);
  results = await runDocTests(root);
});
afterAll(() => rm(root, { recursive: true, force: true }));

const hasCommands = ({ blocks }: DocProject): boolean => blocks.some(({ language }) => language === 'sh');

describe.each(projects)('$page', (project) => {
  it('shows only complete files, excerpts of them, and commands', () => {
    expect(unboundBlocks(project)).toEqual([]);
  });

  it('shows tests that pass with the package', () => {
    const shown = resultsOf(results, root, project);
    expect(shown.filter(({ failure, isSkipped }) => isSkipped || failure !== undefined)).toEqual([]);
    expect(shown.length).toBeGreaterThan(0);
  });
});

describe.each(projects.filter(hasCommands))('$page', (project) => {
  it('shows commands that succeed', async () => {
    await expect(runDocCommands(root, project)).resolves.toBeUndefined();
  });
});
