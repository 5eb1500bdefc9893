import { Logger } from '@nestjs/common';
import { BusObserver, type DropCause } from '../observer.js';

/** Writes what the bus has to say into the log. */
export class BusLog extends BusObserver {
  private readonly logger = new Logger('WorkerBus');

  override alarm(message: string): void {
    this.logger.error(message);
  }

  override dropped(cause: DropCause, request?: string): void {
    this.logger.debug(
      request === undefined ? `Dropped a frame: ${cause}.` : `Dropped a frame of ${request}: ${cause}.`,
    );
  }

  override availability(isAvailable: boolean): void {
    if (isAvailable) this.logger.log('Other workers can be reached.');
    else this.logger.warn('Other workers cannot be reached: the relay fails.');
  }
}
