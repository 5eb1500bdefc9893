import { setTimeout as pause } from 'node:timers/promises';
import { Redis } from 'ioredis';
import type { Book } from './book.js';
import type { Dice } from './dice.js';
import type { Seat, SoakWorld } from './soak-world.js';

/** Longer than a worker takes to leave with calls in flight, by its own promise. */
const LEAVE_MS = 35_000;

type Fault = (world: SoakWorld, dice: Dice, book: Book) => Promise<void>;

/** One worker lives as long as the soak, so that what grows in it can be seen. */
const mortal = (world: SoakWorld, dice: Dice): Seat => dice.oneOf(world.seats.slice(1));

export const FAULTS: Readonly<Record<string, Fault>> = {
  'kill a worker': async (world, dice) => {
    const seat = mortal(world, dice);
    seat.disturb();
    seat.worker.kill('SIGKILL');
    await world.replace(seat);
  },
  'freeze a worker': async (world, dice) => {
    const seat = dice.oneOf(world.seats);
    seat.worker.kill('SIGSTOP');
    await pause(dice.between(500, 8_000));
    seat.worker.kill('SIGCONT');
  },
  'tell a worker to leave': async (world, dice, book) => {
    const seat = mortal(world, dice);
    const { worker } = seat;
    // The next one is there before this one leaves, as in a rolling restart.
    await world.replace(seat);
    seat.disturb();
    worker.kill('SIGTERM');
    const patience = new AbortController();
    const late = pause(LEAVE_MS, 'late' as const, { signal: patience.signal }).catch(() => 'late' as const);
    const end = await Promise.race([worker.ended, late]);
    patience.abort();
    seat.disturb();
    if (end !== 0) book.violate('a worker did not leave in good order', `${end}: ${worker.output.slice(-600)}`);
  },
  'restart Redis empty': (world) => world.redis.restart(),
  'cut Redis': async ({ wire }, dice) => {
    wire.cut();
    await pause(dice.between(200, 5_000));
    wire.resume();
  },
  'lose what goes to or from Redis': async ({ wire }, dice) => {
    const way = dice.oneOf(['requests', 'replies', 'both'] as const);
    wire.blackhole(way === 'both' ? undefined : way);
    await pause(dice.between(200, 3_000));
    if (dice.share() < 0.5) wire.resume();
    else wire.sever();
  },
  'kill subscriptions': async ({ redis }) => {
    const client = new Redis(redis.url);
    await client.call('CLIENT', 'KILL', 'TYPE', 'pubsub');
    client.disconnect();
  },
  'restart a server': async ({ servers }, dice) => servers.restart(dice.oneOf(['legacy', 'modern'])),
};

/** One fault after another until the signal; each is over before the next begins. Says how often each happened. */
export async function makeTrouble(
  world: SoakWorld,
  dice: Dice,
  book: Book,
  signal: AbortSignal,
): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  while (!signal.aborted) {
    await pause(dice.between(1_500, 6_000), undefined, { signal }).catch(() => undefined);
    if (signal.aborted) break;
    const [name, fault] = dice.oneOf(Object.entries(FAULTS));
    counts[name] = (counts[name] ?? 0) + 1;
    book.note(name);
    await fault(world, dice, book).catch((error: unknown) => book.violate(`could not ${name}`, String(error)));
    book.note(`over: ${name}`);
  }
  return counts;
}
