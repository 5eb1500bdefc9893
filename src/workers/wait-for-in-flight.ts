import type { Clock } from '#lib/time';

/** Calls that are still in flight after this time are dropped, because the deadline of the whole shutdown is near. */
const IN_FLIGHT_TIMEOUT_MS = 14_000;

/** Waits for the in-flight calls of a draining worker, for a bounded time. */
export async function waitForInFlight(idle: Promise<unknown>, clock: Clock): Promise<void> {
  const isOver = new AbortController();
  await Promise.race([idle, clock.sleep(IN_FLIGHT_TIMEOUT_MS, isOver.signal)]);
  isOver.abort();
}
