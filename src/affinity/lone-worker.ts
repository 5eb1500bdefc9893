import { Heirs } from './heirs.js';
import type { Incarnation } from './session-ids.js';
import { Workers } from './workers.js';

/** The only worker there is: whoever else is named lived in a process of the past. */
export class LoneWorker extends Workers {
  override readonly living: readonly string[];

  constructor(me: Incarnation) {
    super();
    this.living = [me.text];
  }

  override refresh(): Promise<void> {
    return Promise.resolve();
  }

  override checkPulse(): void {
    // Nobody is there to declare it gone.
  }

  override whereIs(worker: string): Promise<'alive' | 'gone'> {
    return Promise.resolve(this.living.includes(worker) ? 'alive' : 'gone');
  }

  override isBuried(): Promise<boolean> {
    return Promise.resolve(false);
  }

  override onChange(): () => void {
    return () => undefined;
  }
}

/** Without other workers nothing is ever given away. */
export class NoHeirs extends Heirs {
  override of(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  override remember(): Promise<void> {
    return Promise.resolve();
  }

  override forget(): Promise<void> {
    return Promise.resolve();
  }
}
