import type { Frame } from './frame.js';

/** A frame counts only between the two workers that it names: incarnations, which never come back. */
export class AddressCheck {
  /** True for a frame that is meant for this worker. */
  isFor(me: string, frame: Frame): boolean {
    return frame.to === me;
  }

  /** True for an answer of the worker that was asked. */
  isFrom(asked: string, frame: Frame): boolean {
    return frame.from === asked;
  }
}
