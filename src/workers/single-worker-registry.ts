import type { WorkerId } from './worker-id.js';
import { WorkerRegistry } from './worker-registry.js';

/** The only worker there is: whoever else is named lived in a process of the past. */
export class SingleWorkerRegistry extends WorkerRegistry {
  override readonly aliveIds: readonly string[];

  constructor(me: WorkerId) {
    super();
    this.aliveIds = [me.text];
  }

  override refresh(): Promise<void> {
    return Promise.resolve();
  }

  override checkOwnLiveness(): void {
    // Nobody is there to declare it gone.
  }

  override status(worker: string): Promise<'alive' | 'gone'> {
    return Promise.resolve(this.aliveIds.includes(worker) ? 'alive' : 'gone');
  }

  override isFenced(): Promise<boolean> {
    return Promise.resolve(false);
  }

  override onFenced(): void {
    // Nobody is there to declare it gone.
  }

  override onWorkerDead(): () => void {
    return () => undefined;
  }
}
