import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

import { parse } from 'yaml';

/** A revision for which the suite has a frozen list of scored scenarios. */
export type Revision = '2025-11-25' | '2026-07-28';

const packageRoot = dirname(createRequire(import.meta.url).resolve('@modelcontextprotocol/conformance/package.json'));

/** The scenarios that a revision requires of a server. */
export interface Requirements {
  /** The frozen list that a server has to pass. */
  required: string[];
  /** Scenarios of the core protocol that were written after the list was frozen; optional extensions are excluded. */
  additional: string[];
}

export async function requirementsOf(revision: Revision): Promise<Requirements> {
  const path = join(packageRoot, 'requirements', `${revision}.yaml`);
  const listed: unknown = parse(await readFile(path, 'utf8'));
  if (!isRequirementList(listed)) throw new Error(`${path} names no server scenarios`);
  const additional = listed.not_scored.filter(({ leg, reason }) => leg === 'server' && reason !== 'extension');
  return { required: listed.server, additional: additional.map(({ scenario }) => scenario) };
}

interface RequirementList {
  server: string[];
  not_scored: { scenario: string; leg: string; reason: string }[];
}

function isRequirementList(value: unknown): value is RequirementList {
  if (typeof value !== 'object' || value === null || !('server' in value) || !('not_scored' in value)) return false;
  return Array.isArray(value.server) && Array.isArray(value.not_scored);
}

/**
 * Runs all scenarios of a revision against a server; each leaves its checks in a folder of its own below
 * `outputDir`. Resolves with what the suite wrote to its standard streams, whatever its exit code.
 */
export function runSuite(url: string, revision: Revision, outputDir: string): Promise<string> {
  const entry = join(packageRoot, 'dist', 'index.js');
  const args = [entry, 'server', '--url', url, '--requirements', revision, '--output-dir', outputDir];
  const suite = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [suite.stdout, suite.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  }
  return new Promise((resolve, reject) => {
    suite.once('error', reject).once('close', () => resolve(output));
  });
}
