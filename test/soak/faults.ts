import { setTimeout as pause } from 'node:timers/promises';
import { Redis } from 'ioredis';
import type { CallLedger } from './call-ledger.js';
import type { SeededRandom } from './seeded-random.js';
import type { WorkerSlot, SoakWorld } from './soak-world.js';

/** More than the maximum time in which a worker drains its in-flight calls. */
const LEAVE_TIMEOUT_MS = 35_000;

type Fault = (world: SoakWorld, random: SeededRandom, ledger: CallLedger) => Promise<void>;

/** Worker 0 runs for the whole soak, so that leaks in it become visible. */
const pickDisturbableSlot = (world: SoakWorld, random: SeededRandom): WorkerSlot => random.pick(world.slots.slice(1));

export const FAULTS: Readonly<Record<string, Fault>> = {
  'kill a worker': async (world, random) => {
    const slot = pickDisturbableSlot(world, random);
    slot.markDisturbed();
    slot.worker.kill('SIGKILL');
    await world.replace(slot);
  },
  'freeze a worker': async (world, random) => {
    const slot = random.pick(world.slots);
    slot.worker.kill('SIGSTOP');
    await pause(random.between(500, 8_000));
    slot.worker.kill('SIGCONT');
  },
  'drain a worker': async (world, random, ledger) => {
    const slot = pickDisturbableSlot(world, random);
    const { worker } = slot;
    // The replacement starts before this worker leaves, as in a rolling restart.
    await world.replace(slot);
    slot.markDisturbed();
    worker.kill('SIGTERM');
    const timeout = new AbortController();
    const late = pause(LEAVE_TIMEOUT_MS, 'late' as const, { signal: timeout.signal }).catch(() => 'late' as const);
    const end = await Promise.race([worker.ended, late]);
    timeout.abort();
    slot.markDisturbed();
    if (end !== 0) ledger.reportViolation('a worker did not drain cleanly', `${end}: ${worker.output.slice(-600)}`);
  },
  'restart Redis empty': (world) => world.redis.restart(),
  'cut Redis': async ({ wire }, random) => {
    wire.cut();
    await pause(random.between(200, 5_000));
    wire.resume();
  },
  'lose traffic to or from Redis': async ({ wire }, random) => {
    const way = random.pick(['requests', 'replies', 'both'] as const);
    wire.blackhole(way === 'both' ? undefined : way);
    await pause(random.between(200, 3_000));
    if (random.next() < 0.5) wire.resume();
    else wire.sever();
  },
  'kill subscriptions': async ({ redis }) => {
    const client = new Redis(redis.url);
    await client.call('CLIENT', 'KILL', 'TYPE', 'pubsub');
    client.disconnect();
  },
  'restart a server': async ({ servers }, random) => servers.restart(random.pick(['legacy', 'modern'])),
};

/**
 * Injects one fault after another until the signal aborts; each ends before the next begins. Returns how often each was
 * injected.
 */
export async function injectFaults(
  world: SoakWorld,
  random: SeededRandom,
  ledger: CallLedger,
  signal: AbortSignal,
): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  while (!signal.aborted) {
    await pause(random.between(1_500, 6_000), undefined, { signal }).catch(() => undefined);
    if (signal.aborted) break;
    const [name, fault] = random.pick(Object.entries(FAULTS));
    counts[name] = (counts[name] ?? 0) + 1;
    ledger.note(name);
    await fault(world, random, ledger).catch((error: unknown) =>
      ledger.reportViolation(`could not ${name}`, String(error)),
    );
    ledger.note(`over: ${name}`);
  }
  return counts;
}
