import type { Membership } from '#lib/worker-bus';
import { WorkerRegistry } from './worker-registry.js';

/** Reports the workers that announce themselves to each other over the bus. */
export class BusWorkerRegistry extends WorkerRegistry {
  /** `onFenced` is called once another worker has declared this one dead: it must not serve anything that it owned. */
  constructor(
    private readonly membership: Membership,
    onFenced: () => void,
  ) {
    super();
    membership.onFenced(onFenced);
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

  override onWorkerDead(listener: () => void): () => void {
    return this.membership.onWorkerDead(() => listener());
  }
}
