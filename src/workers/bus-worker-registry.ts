import type { Membership } from '#lib/worker-bus';
import { WorkerRegistry } from './worker-registry.js';

/** Reports the workers that announce themselves to each other over the bus. */
export class BusWorkerRegistry extends WorkerRegistry {
  constructor(private readonly membership: Membership) {
    super();
  }

  override get aliveIds(): readonly string[] {
    return this.membership.aliveWorkers();
  }

  override async refresh(): Promise<void> {
    await this.membership.refresh().catch(() => undefined);
  }

  override checkOwnLiveness(): void | Promise<void> {
    const pulse = this.membership.checkOwnLiveness();
    return pulse instanceof Promise ? pulse.then(() => undefined) : undefined;
  }

  override status(worker: string): Promise<'alive' | 'dead' | 'unknown'> {
    return this.membership.status(worker);
  }

  override isFenced(worker: string): Promise<boolean> {
    return this.membership.isFenced(worker);
  }

  override onFenced(listener: () => void): void {
    this.membership.onFenced(listener);
  }

  override onWorkerDead(listener: () => void): () => void {
    return this.membership.onWorkerDead(() => listener());
  }
}
