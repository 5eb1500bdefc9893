import type { Frame } from './frame.js';

/** Accepts a frame only between the two workers that it names by their incarnations, which are never reused. */
export class AddressCheck {
  /** True if the frame is addressed to this worker. */
  isFor(workerId: string, frame: Frame): boolean {
    return frame.to === workerId;
  }

  /** True if the frame comes from the owner of the request. */
  isFrom(owner: string, frame: Frame): boolean {
    return frame.from === owner;
  }
}
