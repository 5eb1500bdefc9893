import type { Membership } from '#lib/worker-bus';
import { WorkerRegistry } from './worker-registry.js';

/** Converts the bus's own terms. */
const STATUS = { alive: 'alive', gone: 'dead', unsure: 'unknown' } as const;

/** Reports the workers that announce themselves to each other over the bus. */
export class BusWorkerRegistry extends WorkerRegistry {
  constructor(private readonly membership: Membership) {
    super();
  }

  override get aliveIds(): readonly string[] {
    return this.membership.livingWorkers();
  }

  override async refresh(): Promise<void> {
    await this.membership.refresh().catch(() => undefined);
  }

  override checkOwnLiveness(): void | Promise<void> {
    const pulse = this.membership.checkPulse();
    return pulse instanceof Promise ? pulse.then(() => undefined) : undefined;
  }

  override async status(worker: string): Promise<'alive' | 'dead' | 'unknown'> {
    return STATUS[await this.membership.whereIs(worker)];
  }

  override isFenced(worker: string): Promise<boolean> {
    return this.membership.isBuriedNow(worker);
  }

  override onFenced(listener: () => void): void {
    this.membership.onBuried(listener);
  }

  override onWorkerDead(listener: () => void): () => void {
    return this.membership.onGone(() => listener());
  }
}
