import type { Clock } from '#lib/time';
import type { BusService } from './bus.js';
import type { AddressCheck } from './frames/address-check.js';
import type { EndGate } from './frames/end-gate.js';
import type { FrameOrder } from './frames/frame-order.js';
import type { FrameCipher } from './frames/frame-cipher.js';
import type { BusObserver } from './observer.js';
import type { Directory, Ledger, Wire } from './ports/index.js';
import type { BusLimits } from './protocol.js';
import type { AcceptanceQueue } from './responder/acceptance-queue.js';
import type { SeenRequests } from './responder/seen-requests.js';

/** Collaborators of the bus of one worker. Optional ones have a default that production never replaces. */
export interface BusParts {
  /** Incarnation of this worker: random, at most 64 characters, never used by another worker before or after. */
  readonly workerId: string;
  /** 32 bytes that only the workers know. */
  readonly secret: Buffer;
  readonly wire: Wire;
  readonly ledger: Ledger;
  readonly directory: Directory;
  readonly service: BusService;
  /** The clock of the machine by default. */
  readonly timer?: Clock;
  /** Returns a new random id of at least 128 bits. */
  readonly createId?: () => string;
  readonly observer?: BusObserver;
  readonly limits?: Partial<BusLimits>;
  readonly cipher?: FrameCipher;
  readonly address?: AddressCheck;
  readonly gate?: EndGate;
  readonly seen?: SeenRequests;
  readonly queue?: AcceptanceQueue;
  /** Creates the frame order of one request that is sent. */
  readonly makeOrder?: () => FrameOrder;
}
