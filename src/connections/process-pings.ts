import type { Outcome } from '#lib/mcp-protocol';
import { isUnreachable, pingServer } from '../upstream/index.js';
import type { PoolEntry } from './pool-entry.js';

/** Maximum number of processes of one server that a check pings. */
const MAX_PINGED_PROCESSES = 16;

/**
 * Pings the child processes of a server that this worker runs, without becoming their user. Returns the first answer, or the
 * failure of one of them once all have failed; undefined if none runs.
 */
export function pingProcesses(
  entries: readonly PoolEntry[],
  server: string,
  signal: AbortSignal,
): Promise<Outcome> | undefined {
  const running = entries.filter((entry) => entry.server.slug === server && entry.hasProcess);
  const pings = running
    .slice(0, MAX_PINGED_PROCESSES)
    .flatMap(({ connection }) => (connection ? [pingServer(connection, signal)] : []));
  return pings.length > 0 ? findAnswer(pings) : undefined;
}

async function findAnswer(pings: readonly Promise<Outcome>[]): Promise<Outcome> {
  const { promise: answer, resolve } = Promise.withResolvers<Outcome>();
  const outcomes = pings.map(async (ping) => {
    const outcome = await ping;
    if (!isUnreachable(outcome)) resolve(outcome);
    return outcome;
  });
  return Promise.race([answer, Promise.all(outcomes).then(([failure]) => failure as Outcome)]);
}
