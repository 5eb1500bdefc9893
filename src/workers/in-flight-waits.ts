import { Injectable, type BeforeApplicationShutdown } from '@nestjs/common';
import { Clock } from '#lib/time';

/**
 * The waits for in-flight calls before a draining worker leaves the bus. Modules register them when they are created. All
 * run concurrently: Nest would run hooks of several modules one after the other, each up to its timeout.
 */
@Injectable()
export class InFlightWaits implements BeforeApplicationShutdown {
  private readonly waits: ((clock: Clock) => Promise<void>)[] = [];

  constructor(private readonly clock: Clock) {}

  addWait(wait: (clock: Clock) => Promise<void>): void {
    this.waits.push(wait);
  }

  async beforeApplicationShutdown(): Promise<void> {
    await Promise.all(this.waits.map((wait) => wait(this.clock)));
  }
}
