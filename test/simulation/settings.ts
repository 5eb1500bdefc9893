import { scaleDeadline } from '#lib/testing/machine-speed';

/** How many histories are tried, and which: the same each time, unless others are asked for. */
export const HISTORIES = {
  numRuns: Number(process.env['ISTHMUS_SIMULATION_RUNS'] ?? 10_000),
  seed: Number(process.env['ISTHMUS_SIMULATION_SEED'] ?? 20_251_122),
} as const;

/** A history takes a few ms; a machine that is busy with other things gets its time. */
export const PATIENCE_MS = scaleDeadline(60_000 + HISTORIES.numRuns * 100);
