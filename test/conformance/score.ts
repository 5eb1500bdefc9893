import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { requirementsOf, runSuite, type Requirements, type Revision } from './suite.js';

export interface FailedCheck {
  scenario: string;
  check: string;
  message: string;
}

/**
 * The score of a server at one revision. `scenarios` counts the frozen list; `checks` counts its checks and those of the
 * additional scenarios of the core protocol. A warning is neither passed nor failed, so it does not count.
 */
export interface ConformanceScore {
  revision: Revision;
  scenarios: { passed: number; total: number };
  checks: { passed: number; total: number };
  failed: FailedCheck[];
  warnings: FailedCheck[];
  durationMs: number;
}

interface Check {
  id: string;
  status: string;
  description?: string;
  errorMessage?: string;
}

/** Runs the official suite against a server and counts what it passed. */
export async function runConformance({
  url,
  revision,
}: {
  url: string;
  revision: Revision;
}): Promise<ConformanceScore> {
  const outputDir = await mkdtemp(join(tmpdir(), 'conformance-'));
  const startedAt = performance.now();
  try {
    const output = await runSuite(url, revision, outputDir);
    const requirements = await requirementsOf(revision);
    const scenarios = [...requirements.required, ...requirements.additional];
    const checks = await readChecks(outputDir, scenarios, output);
    return { revision, ...count(checks, requirements), durationMs: Math.round(performance.now() - startedAt) };
  } finally {
    await rm(outputDir, { recursive: true, force: true });
  }
}

/** One line per score, then one per failed check. */
export function describeScore(subject: string, score: ConformanceScore): string {
  const { scenarios, checks, revision, failed, warnings } = score;
  const summary =
    `${revision} ${subject}: ${scenarios.passed}/${scenarios.total} scenarios, ` +
    `${checks.passed}/${checks.total} checks, ${(score.durationMs / 1_000).toFixed(1)} s`;
  const line = (mark: string) => (check: FailedCheck) => `  ${mark} ${check.scenario} ${check.check}: ${check.message}`;
  return [summary, ...failed.map(line('failed')), ...warnings.map(line('warning'))].join('\n');
}

/** The name by which subjects list the checks that are excused. */
export function checkName({ scenario, check }: FailedCheck): string {
  return `${scenario} ${check}`;
}

/** Whether every check that counts has passed or is excused. */
export function isPerfect({ scenarios, failed }: ConformanceScore, excused: object = {}): boolean {
  return scenarios.total > 0 && failed.every((check) => checkName(check) in excused);
}

async function readChecks(outputDir: string, scenarios: string[], output: string): Promise<Map<string, Check[]>> {
  const folders = await readdir(outputDir).catch(() => []);
  const found = new Map<string, Check[]>();
  for (const scenario of scenarios) {
    // The suite appends the time of the run, which begins with the year.
    const pattern = new RegExp(`^server-${scenario}-\\d{4}-\\d{2}-\\d{2}T`);
    const folder = folders.find((name) => pattern.test(name));
    const path = folder && join(outputDir, folder, 'checks.json');
    found.set(scenario, path ? await readCheckFile(path, output) : [crash(output)]);
  }
  return found;
}

/** A scenario that threw has a folder without a file. */
async function readCheckFile(path: string, output: string): Promise<Check[]> {
  try {
    const checks: unknown = JSON.parse(await readFile(path, 'utf8'));
    return Array.isArray(checks) ? checks.filter(isCheck) : [crash(output)];
  } catch {
    return [crash(output)];
  }
}

function isCheck(value: unknown): value is Check {
  return typeof value === 'object' && value !== null && 'id' in value && 'status' in value;
}

function crash(output: string): Check {
  return { id: 'no-result', status: 'FAILURE', errorMessage: `the scenario wrote no result; ${output.slice(-500)}` };
}

function count(
  found: Map<string, Check[]>,
  { required }: Requirements,
): Omit<ConformanceScore, 'revision' | 'durationMs'> {
  const all = [...found].flatMap(([scenario, checks]) => checks.map((check) => ({ scenario, ...check })));
  const withStatus = (status: string): FailedCheck[] => all.filter((check) => check.status === status).map(reported);
  const failed = withStatus('FAILURE');
  const passed = withStatus('SUCCESS').length;
  const failedScenarios = new Set(failed.map(({ scenario }) => scenario));
  return {
    scenarios: { passed: required.filter((name) => !failedScenarios.has(name)).length, total: required.length },
    checks: { passed, total: passed + failed.length },
    failed,
    warnings: withStatus('WARNING'),
  };
}

function reported({ scenario, id, errorMessage, description }: Check & { scenario: string }): FailedCheck {
  return { scenario, check: id, message: errorMessage ?? description ?? 'no message' };
}
