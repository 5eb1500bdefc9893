import { Injectable, type BeforeApplicationShutdown } from '@nestjs/common';

/**
 * What this worker waits for before it leaves the bus. Modules register their waits when they are created. All run side by
 * side: hooks of their own would run one module after the other, each up to its timeout.
 */
@Injectable()
export class InFlightWaits implements BeforeApplicationShutdown {
  private readonly waits: (() => Promise<void>)[] = [];

  addWait(wait: () => Promise<void>): void {
    this.waits.push(wait);
  }

  async beforeApplicationShutdown(): Promise<void> {
    await Promise.all(this.waits.map((wait) => wait()));
  }
}
