/** Calls that are still in flight after this time are dropped, because the deadline of the whole shutdown is near. */
const IN_FLIGHT_TIMEOUT_MS = 14_000;

/** Waits for the in-flight calls of a draining worker, for a bounded time. */
export async function waitForInFlight(idle: Promise<unknown>): Promise<void> {
  const timeout = Promise.withResolvers<void>();
  const timer = setTimeout(timeout.resolve, IN_FLIGHT_TIMEOUT_MS);
  await Promise.race([idle, timeout.promise]);
  clearTimeout(timer);
}
