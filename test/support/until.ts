import { setTimeout as pause } from 'node:timers/promises';
import { scaleDeadline } from '#lib/testing/machine-speed';

/** Less than a test may take: its end is to be told by what it waited for, and no loop may outlive it. */
const LONGEST_MS = scaleDeadline(110_000);

const POLL_INTERVAL_MS = 5;

/** Looks again and again: for what happens elsewhere and is told to nobody here. Rejects when it does not come about. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + LONGEST_MS;
  while (!(await condition())) {
    if (performance.now() > deadline)
      throw new Error(`It did not come about in ${LONGEST_MS} ms: ${String(condition)}`);
    // A loop without a pause would take a core from the processes that it waits for.
    await pause(POLL_INTERVAL_MS);
  }
}
