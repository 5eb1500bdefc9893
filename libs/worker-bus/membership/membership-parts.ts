import type { Outbox } from '../frames/outbox.js';
import type { BusObserver } from '../observer.js';
import type { Directory, Timer, Wire } from '../ports/index.js';

/** What the membership of one worker is made of. */
export interface MembershipParts {
  readonly workerId: string;
  readonly wire: Wire;
  readonly directory: Directory;
  readonly timer: Timer;
  readonly outbox: Outbox;
  readonly observer: BusObserver;
  /** A new random name. */
  createId(): string;
}
