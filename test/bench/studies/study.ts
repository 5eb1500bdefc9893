import type { PinnedProcess } from '../pinned-process.js';
import type { Upstream } from '../subjects.js';
import type { Verdict } from '../targets.js';

/** Everything that a study may use. */
export interface StudyBench {
  readonly upstream: Upstream;
  readonly load: PinnedProcess;
  readonly isQuick: boolean;
  /** Node arguments for the gateways of the study, for example `--cpu-prof`. */
  readonly nodeArgs: readonly string[];
}

/** The result of a study: lines for people, and verdicts on the targets. */
export interface StudyReport {
  readonly name: StudyName;
  readonly lines: readonly string[];
  readonly verdicts: readonly Verdict[];
  /** All measurements, for the JSON file. */
  readonly figures: unknown;
}

/** A measurement of the gateway other than throughput. */
export type Study = (bench: StudyBench) => Promise<Omit<StudyReport, 'name'>>;

export const STUDY_NAMES = [
  'forwarding',
  'redis',
  'large',
  'streams',
  'isolation',
  'catalog',
  'telemetry',
  'extensions',
] as const;
export type StudyName = (typeof STUDY_NAMES)[number];
