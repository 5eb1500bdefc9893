import { parseArgs } from 'node:util';
import type { SessionCounts } from './session-memory.js';
import { SUBJECT_NAMES, type SubjectName } from './subjects.js';
import { STUDY_NAMES, type StudyName } from './studies/index.js';
import type { Plan } from './throughput.js';

const CONCURRENCIES = [1, 32, 128];

export interface BenchOptions {
  readonly plan: Plan;
  readonly sessions: SessionCounts;
  readonly subjects: readonly SubjectName[];
  readonly studies: readonly StudyName[];
  readonly isQuick: boolean;
  /** Folder for CPU profiles of the gateways in studies. */
  readonly profile?: string;
  /** File for all figures, including single rounds. */
  readonly json?: string;
}

export const USAGE = `Usage: npm run bench -- [--quick] [--only <name>[,<name>]] [--json <file>] [--profile <folder>]
  subjects: ${SUBJECT_NAMES.join(', ')}
  studies: ${STUDY_NAMES.join(', ')}`;

/** Throws an error for the user when an argument is unknown. */
export function readOptions(args: readonly string[]): BenchOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: { type: 'boolean' },
      only: { type: 'string' },
      json: { type: 'string' },
      profile: { type: 'string' },
    },
  });
  const isQuick = values.quick === true;
  return {
    ...(isQuick ? QUICK : FULL),
    ...chosen(values.only),
    isQuick,
    ...(values.json === undefined ? {} : { json: values.json }),
    ...(values.profile === undefined ? {} : { profile: values.profile }),
  };
}

const FULL = {
  plan: { concurrencies: CONCURRENCIES, rounds: 7, roundMs: 2_000, warmUpMs: 4_000 },
  sessions: { from: 2_000, to: 20_000 },
};
const QUICK = {
  plan: { concurrencies: CONCURRENCIES, rounds: 3, roundMs: 600, warmUpMs: 1_500 },
  sessions: { from: 1_000, to: 4_000 },
};

function chosen(only: string | undefined): Pick<BenchOptions, 'subjects' | 'studies'> {
  if (only === undefined) return { subjects: SUBJECT_NAMES, studies: STUDY_NAMES };
  const names = only.split(',').map((name) => name.trim());
  const subjects = SUBJECT_NAMES.filter((subject) => names.includes(subject));
  const studies = STUDY_NAMES.filter((study) => names.includes(study));
  const unknown = names.find((name) => ![...SUBJECT_NAMES, ...STUDY_NAMES].some((known) => known === name));
  if (unknown !== undefined) throw new Error(`Unknown subject or study "${unknown}".`);
  return { subjects: names.flatMap((name) => subjects.filter((subject) => subject === name)), studies };
}
