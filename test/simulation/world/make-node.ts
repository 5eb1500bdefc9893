import { BusNode, BusObserver, type BusService, type Relay, type Timer } from '#lib/worker-bus';
import type { SeededRandom } from './seeded-random.js';
import type { Flaws } from './flaws.js';

interface NodeParts {
  readonly me: string;
  readonly relay: Relay;
  readonly timer: Timer;
  readonly secret: Buffer;
  readonly service: BusService;
  readonly random: SeededRandom;
}

/** The bus of one worker, as production builds it but for what the world plays, and for what it lacks on purpose. */
export function makeNode({ relay, random, ...own }: NodeParts, flaws: Flaws): BusNode {
  return new BusNode({
    ...own,
    wire: relay,
    ledger: relay,
    directory: relay,
    drawId: () => random.id(),
    observer: new BusObserver(),
    ...flaws.bus,
  });
}
