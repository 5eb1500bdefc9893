import type { Membership } from '#lib/worker-bus';
import { Workers } from './workers.js';

/** Reports the workers that announce themselves to each other over the bus. */
export class BusWorkers extends Workers {
  /** `onFenced` is called once another worker has declared this one dead: it must not serve anything that it owned. */
  constructor(
    private readonly membership: Membership,
    onFenced: () => void,
  ) {
    super();
    membership.onBuried(onFenced);
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
