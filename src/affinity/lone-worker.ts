import { Heirs } from './heirs.js';
import type { Incarnation } from './session-ids.js';
import { Workers } from './workers.js';

/** The registry of a single worker. Every other worker id belongs to an earlier process, so that worker is dead. */
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
    // No other worker exists that could declare this one dead.
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

/** A single worker hands off no sessions. */
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
