import { Logger } from '@nestjs/common';
import { BusObserver, type DropCause } from '../observer.js';

/** Writes what the bus has to say into the log. */
export class BusLog extends BusObserver {
  private readonly logger = new Logger('WorkerBus');
  private hasFailed = false;

  override alarm(message: string): void {
    this.logger.error(message);
  }

  override dropped(cause: DropCause, request?: string): void {
    this.logger.debug(
      request === undefined ? `Dropped a frame: ${cause}.` : `Dropped a frame of ${request}: ${cause}.`,
    );
  }

  /** That a worker reaches the others when it starts is no news. */
  override availability(isAvailable: boolean): void {
    if (!isAvailable) this.logger.warn('Other workers cannot be reached: the relay fails.');
    else if (this.hasFailed) this.logger.log('Other workers can be reached again.');
    this.hasFailed ||= !isAvailable;
  }
}
