import type { Clock } from '#lib/time';
import type { BusService } from './bus.js';
import type { AddressCheck } from './frames/address-check.js';
import type { EndGate } from './frames/end-gate.js';
import type { FrameOrder } from './frames/frame-order.js';
import type { FrameSeal } from './frames/frame-seal.js';
import type { BusObserver } from './observer.js';
import type { Directory, Ledger, Wire } from './ports/index.js';
import type { BusLimits } from './protocol.js';
import type { AcceptanceQueue } from './responder/acceptance-queue.js';
import type { SeenRequests } from './responder/seen-requests.js';

/** What the bus of one worker is made of. What is optional has a default that production never replaces. */
export interface BusParts {
  /** Incarnation of this worker: random, at most 64 characters, and never used by another one before or after. */
  readonly me: string;
  /** 32 bytes that all workers know, and nobody else. */
  readonly secret: Buffer;
  readonly wire: Wire;
  readonly ledger: Ledger;
  readonly directory: Directory;
  readonly service: BusService;
  /** The machine's own time by default. */
  readonly timer?: Clock;
  /** A new random name of 128 bits at least. */
  readonly drawId?: () => string;
  readonly observer?: BusObserver;
  readonly limits?: Partial<BusLimits>;
  readonly seal?: FrameSeal;
  readonly address?: AddressCheck;
  readonly gate?: EndGate;
  readonly seen?: SeenRequests;
  readonly queue?: AcceptanceQueue;
  /** One for each request that is sent. */
  readonly makeOrder?: () => FrameOrder;
}
