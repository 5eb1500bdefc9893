import { Injectable, type BeforeApplicationShutdown } from '@nestjs/common';

/**
 * The waits for in-flight calls before a draining worker leaves the bus. Modules register them when they are created. All
 * run concurrently: Nest would run hooks of several modules one after the other, each up to its timeout.
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
