import { HandoffDirectory } from './handoff-directory.js';
import type { WorkerId } from './session-ids.js';
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

  override onWorkerDead(): () => void {
    return () => undefined;
  }
}

/** A single worker hands off no sessions. */
export class EmptyHandoffDirectory extends HandoffDirectory {
  override findNewOwner(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  override record(): Promise<void> {
    return Promise.resolve();
  }

  override remove(): Promise<void> {
    return Promise.resolve();
  }
}
