import type { PinnedProcess } from '../pinned-process.js';
import type { Upstream } from '../subjects.js';
import type { Verdict } from '../targets.js';

/** What a study may use, and how long it may look. */
export interface StudyBench {
  readonly upstream: Upstream;
  readonly load: PinnedProcess;
  readonly isQuick: boolean;
  /** Arguments of Node for the gateways of the study: `--cpu-prof`, say. */
  readonly nodeArgs: readonly string[];
}

/** What came of a study: what was measured on what, in lines for people, and what was promised of it. */
export interface StudyReport {
  readonly name: StudyName;
  readonly lines: readonly string[];
  readonly verdicts: readonly Verdict[];
  /** Everything that was measured, for the file. */
  readonly figures: unknown;
}

/** A question about the gateway that throughput alone does not answer. */
export type Study = (bench: StudyBench) => Promise<Omit<StudyReport, 'name'>>;

export const STUDY_NAMES = ['forwarding', 'redis', 'large', 'streams', 'isolation', 'catalog'] as const;
export type StudyName = (typeof STUDY_NAMES)[number];
