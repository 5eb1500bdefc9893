import { setTimeout as pause } from 'node:timers/promises';
import { scaleDeadline } from '#lib/testing/machine-speed';

/** Shorter than the timeout of a test, so that a failure names the condition and no loop outlives its test. */
const TIMEOUT_MS = scaleDeadline(110_000);

const POLL_INTERVAL_MS = 5;

/** Polls until the condition holds, for states of which no event informs the test. Rejects at the timeout. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + TIMEOUT_MS;
  while (!(await condition())) {
    if (performance.now() > deadline)
      throw new Error(`The condition did not hold within ${TIMEOUT_MS} ms: ${String(condition)}`);
    // A loop without a pause would use the core that the observed processes need.
    await pause(POLL_INTERVAL_MS);
  }
}
