import { Logger } from '@nestjs/common';
import { BusObserver, type DropCause } from '../observer.js';

/** Logs the events of the bus. */
export class BusLog extends BusObserver {
  private readonly logger = new Logger('WorkerBus');

  override alarm(message: string): void {
    this.logger.error(message);
  }

  override dropped(cause: DropCause, request?: string): void {
    this.logger.debug(
      request === undefined ? `Dropped a frame: ${cause}.` : `Dropped a frame of request ${request}: ${cause}.`,
    );
  }

  override availability(isAvailable: boolean): void {
    if (isAvailable) this.logger.log('The relay works: other workers can be reached.');
    else this.logger.warn('The relay fails: other workers cannot be reached.');
  }
}
