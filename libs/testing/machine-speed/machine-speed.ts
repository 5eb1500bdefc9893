/** Set once per test run by scripts/measure-machine.mjs. */
const VARIABLE = 'TEST_MACHINE_SLOWDOWN';

/** How many times slower this machine is under its current load than the one on which deadlines were set. */
function machineSlowdown(): number {
  const slowdown = Number(process.env[VARIABLE] ?? 1);
  if (!(slowdown >= 1)) throw new Error(`${VARIABLE} must be a number of at least 1: ${process.env[VARIABLE]}`);
  return slowdown;
}

/**
 * Returns an upper bound in milliseconds for this machine: the guarantee of the product on an idle machine, multiplied by
 * the slowdown. For durations that a test asserts, and for timeouts that must not expire on a slow machine.
 */
export const scaleDeadline = (ms: number): number => Math.ceil(ms * machineSlowdown());

/** Returns the same bound as the value of a setting or of a definition: `1500ms`. */
export const scaledDuration = (ms: number): string => `${scaleDeadline(ms)}ms`;
