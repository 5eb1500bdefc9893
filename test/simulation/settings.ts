import { scaleDeadline } from '#lib/testing/machine-speed';

/** Number and seed of the generated runs. Both are fixed unless the environment sets them. */
export const HISTORIES = {
  numRuns: Number(process.env['ISTHMUS_SIMULATION_RUNS'] ?? 10_000),
  seed: Number(process.env['ISTHMUS_SIMULATION_SEED'] ?? 20_251_122),
} as const;

/** A run takes a few ms; the margin is for loaded machines. */
export const TEST_TIMEOUT_MS = scaleDeadline(60_000 + HISTORIES.numRuns * 100);
