import type { Clock } from '#lib/time';
import type { Relay } from '#lib/worker-bus';
import { BusNode, BusObserver, type BusService } from '#lib/worker-bus/testing';
import type { SeededRandom } from './seeded-random.js';
import type { Flaws } from './flaws.js';

interface NodeParts {
  readonly workerId: string;
  readonly relay: Relay;
  readonly timer: Clock;
  readonly secret: Buffer;
  readonly service: BusService;
  readonly random: SeededRandom;
}

/** Builds the bus of one worker as in production, except for the simulated parts and the flaws. */
export function makeNode({ relay, random, ...own }: NodeParts, flaws: Flaws): BusNode {
  return new BusNode({
    ...own,
    wire: relay,
    ledger: relay,
    directory: relay,
    createId: () => random.id(),
    observer: new BusObserver(),
    ...flaws.bus,
  });
}
