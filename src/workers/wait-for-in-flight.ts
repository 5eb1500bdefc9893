/** Calls that are still in flight then are not waited for: the deadline of the whole shutdown is near. */
const IN_FLIGHT_TIMEOUT_MS = 14_000;

/** Waits for the calls in flight of a worker that leaves, but not for ever. */
export async function waitForInFlight(answered: Promise<unknown>): Promise<void> {
  const late = Promise.withResolvers<void>();
  const timer = setTimeout(late.resolve, IN_FLIGHT_TIMEOUT_MS);
  await Promise.race([answered, late.promise]);
  clearTimeout(timer);
}
