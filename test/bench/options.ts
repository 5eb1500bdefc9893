import { parseArgs } from 'node:util';
import type { SessionCounts } from './session-memory.js';
import { SUBJECT_NAMES, type SubjectName } from './subjects.js';
import type { Plan } from './throughput.js';

const CONCURRENCIES = [1, 32, 128];

export interface BenchOptions {
  readonly plan: Plan;
  readonly sessions: SessionCounts;
  readonly subjects: readonly SubjectName[];
  /** File for all figures, single rounds included. */
  readonly json?: string;
}

export const USAGE = `Usage: npm run bench -- [--quick] [--only <subject>[,<subject>]] [--json <file>]
  subjects: ${SUBJECT_NAMES.join(', ')}`;

/** Throws with a sentence for the user when an argument is unknown. */
export function readOptions(args: readonly string[]): BenchOptions {
  const { values } = parseArgs({
    args: [...args],
    options: { quick: { type: 'boolean' }, only: { type: 'string' }, json: { type: 'string' } },
  });
  const lengths = values.quick === true ? QUICK : FULL;
  const subjects = values.only === undefined ? SUBJECT_NAMES : values.only.split(',').map(readSubject);
  return { ...lengths, subjects, ...(values.json === undefined ? {} : { json: values.json }) };
}

const FULL = {
  plan: { concurrencies: CONCURRENCIES, rounds: 7, roundMs: 2_000, warmUpMs: 4_000 },
  sessions: { from: 2_000, to: 10_000 },
};
const QUICK = {
  plan: { concurrencies: CONCURRENCIES, rounds: 3, roundMs: 600, warmUpMs: 1_500 },
  sessions: { from: 1_000, to: 4_000 },
};

function readSubject(text: string): SubjectName {
  const name = SUBJECT_NAMES.find((known) => known === text.trim());
  if (name === undefined) throw new Error(`There is no subject "${text}".`);
  return name;
}
