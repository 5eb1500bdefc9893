import type { BusEnd } from './bus.js';

/** Why a frame that arrived was dropped. */
export type DropCause = 'seal' | 'shape' | 'address' | 'repeated' | 'parts' | 'verdict' | 'stray' | 'order';

/** Is told what nobody is answered about. Must not throw. By itself it does nothing. */
export class BusObserver {
  /** Something that must not be: two workers hear one inbox. */
  alarm(_message: string): void {}

  /** A frame was dropped; `request` where it could be read. */
  dropped(_cause: DropCause, _request?: string): void {}

  /** This worker sent a request. */
  sent(_request: string, _pattern: string, _to: string): void {}

  /** A request that this worker sent has ended. */
  ended(_request: string, _end: BusEnd): void {}

  /** This worker claimed a request and runs its handler. */
  started(_request: string, _pattern: string, _requester: string): void {}

  /** The worker can or cannot reach others now. */
  availability(_isAvailable: boolean): void {}
}
