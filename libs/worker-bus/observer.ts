import type { BusEnd } from './bus.js';

/** Why a frame that arrived was dropped. */
export type DropCause = 'seal' | 'shape' | 'address' | 'repeated' | 'parts' | 'verdict' | 'stray' | 'order';

/** Receives events that no reply reports. Implementations must not throw. The base class ignores every event. */
export class BusObserver {
  /** A violated assumption: two workers receive the frames of one inbox. */
  alarm(_message: string): void {}

  /** A frame was dropped; `request` is its request id, if it could be read. */
  dropped(_cause: DropCause, _request?: string): void {}

  /** This worker sent a request. */
  sent(_request: string, _pattern: string, _to: string): void {}

  /** A request that this worker sent has ended. */
  ended(_request: string, _end: BusEnd): void {}

  /** This worker claimed a request and runs its handler. */
  started(_request: string, _pattern: string, _requester: string): void {}

  /** The worker can now reach other workers, or can no longer. */
  availability(_isAvailable: boolean): void {}
}
