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
      request === undefined ? `Dropped a frame: ${cause}.` : `Dropped a frame of request ${request}: ${cause}.`,
    );
  }

  /** Logs the recovery only after a failure: a first connection is not worth a log line. */
  override availability(isAvailable: boolean): void {
    if (!isAvailable) this.logger.warn('The relay fails: other workers cannot be reached.');
    else if (this.hasFailed) this.logger.log('The relay works again: other workers can be reached.');
    this.hasFailed ||= !isAvailable;
  }
}
