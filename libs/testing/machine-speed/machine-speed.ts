/** Set once per test run by scripts/measure-machine.mjs. */
const VARIABLE = 'TEST_MACHINE_SLOWDOWN';

/** How many times slower this machine is, with all that runs beside the tests, than the one deadlines were set on. */
function machineSlowdown(): number {
  const slowdown = Number(process.env[VARIABLE] ?? 1);
  if (!(slowdown >= 1)) throw new Error(`${VARIABLE} must be a number of at least 1: ${process.env[VARIABLE]}`);
  return slowdown;
}

/**
 * An upper bound in milliseconds that holds on this machine: what the product promises on an idle one, times its slowdown.
 * For lengths of time that a test asserts, and for timeouts that a test sets and that must not expire on a slow machine.
 */
export const scaleDeadline = (ms: number): number => Math.ceil(ms * machineSlowdown());

/** The same as the value of a setting or of a definition: `1500ms`. */
export const scaledDuration = (ms: number): string => `${scaleDeadline(ms)}ms`;
