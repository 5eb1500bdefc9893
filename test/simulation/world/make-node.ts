import type { Relay, Timer } from '#lib/worker-bus';
import { BusNode, BusObserver, type BusService } from '#lib/worker-bus/testing';
import type { Chance } from './chance.js';
import type { Flaws } from './flaws.js';

interface NodeParts {
  readonly me: string;
  readonly relay: Relay;
  readonly timer: Timer;
  readonly secret: Buffer;
  readonly service: BusService;
  readonly chance: Chance;
}

/** The bus of one worker, as production builds it but for what the world plays, and for what it lacks on purpose. */
export function makeNode({ relay, chance, ...own }: NodeParts, flaws: Flaws): BusNode {
  return new BusNode({
    ...own,
    wire: relay,
    ledger: relay,
    directory: relay,
    drawId: () => chance.id(),
    observer: new BusObserver(),
    ...flaws.bus,
  });
}
