import type { Membership } from '#lib/worker-bus';
import { Workers } from './workers.js';

/** The workers that announce themselves to one another. */
export class BusWorkers extends Workers {
  /** `onBuried` is called once somebody has declared this worker gone: nothing that it owns may be served any more. */
  constructor(
    private readonly membership: Membership,
    onBuried: () => void,
  ) {
    super();
    membership.onBuried(onBuried);
  }

  override get living(): readonly string[] {
    return this.membership.livingWorkers();
  }

  override async refresh(): Promise<void> {
    await this.membership.refresh().catch(() => undefined);
  }

  override checkPulse(): void | Promise<void> {
    const pulse = this.membership.checkPulse();
    return pulse instanceof Promise ? pulse.then(() => undefined) : undefined;
  }

  override whereIs(worker: string): Promise<'alive' | 'gone' | 'unsure'> {
    return this.membership.whereIs(worker);
  }

  override isBuried(worker: string): Promise<boolean> {
    return this.membership.isBuriedNow(worker);
  }

  override onChange(listener: () => void): () => void {
    return this.membership.onGone(() => listener());
  }
}
