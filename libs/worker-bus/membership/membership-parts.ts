import type { Clock } from '#lib/time';
import type { Outbox } from '../frames/outbox.js';
import type { BusObserver } from '../observer.js';
import type { Directory, Wire } from '../ports/index.js';

/** What the membership of one worker is made of. */
export interface MembershipParts {
  readonly me: string;
  readonly wire: Wire;
  readonly directory: Directory;
  readonly timer: Clock;
  readonly outbox: Outbox;
  readonly observer: BusObserver;
  /** A new random name. */
  drawId(): string;
}
