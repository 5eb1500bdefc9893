import type { WorkerId } from './worker-id.js';
import { WorkerRegistry } from './worker-registry.js';

/** The registry of a single worker. Every other worker id belongs to an earlier process, so that worker is dead. */
export class SingleWorkerRegistry extends WorkerRegistry {
  override readonly aliveIds: readonly string[];

  constructor(self: WorkerId) {
    super();
    this.aliveIds = [self.text];
  }

  override refresh(): Promise<void> {
    return Promise.resolve();
  }

  override checkOwnLiveness(): void {
    // No other worker exists that could declare this one dead.
  }

  override status(worker: string): Promise<'alive' | 'dead'> {
    return Promise.resolve(this.aliveIds.includes(worker) ? 'alive' : 'dead');
  }

  override isFenced(): Promise<boolean> {
    return Promise.resolve(false);
  }

  override onFenced(): void {
    // No other worker can declare this one dead.
  }

  override onWorkerDead(): () => void {
    return () => undefined;
  }
}
