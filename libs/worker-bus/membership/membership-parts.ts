import type { Clock } from '#lib/time';
import type { Outbox } from '../frames/outbox.js';
import type { BusObserver } from '../observer.js';
import type { Directory, Wire } from '../ports/index.js';

/** Collaborators of the membership of one worker. */
export interface MembershipParts {
  readonly workerId: string;
  readonly wire: Wire;
  readonly directory: Directory;
  readonly timer: Clock;
  readonly outbox: Outbox;
  readonly observer: BusObserver;
  /** Returns a new random id. */
  createId(): string;
}
