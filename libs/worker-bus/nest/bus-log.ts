import { Logger } from '@nestjs/common';
import type { BusEnd } from '../bus.js';
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

  override sent(request: string, pattern: string, to: string): void {
    if (isTracing()) this.logger.debug(`Sent ${pattern} to worker ${to} as request ${request}.`);
  }

  override ended(request: string, end: BusEnd): void {
    if (isTracing()) this.logger.debug(`Request ${request} ended: ${describeEnd(end)}.`);
  }

  override started(request: string, pattern: string, requester: string): void {
    if (isTracing()) this.logger.debug(`Running ${pattern} for worker ${requester}: request ${request}.`);
  }

  /** Logs the recovery only after a failure: a first connection is not worth a log line. */
  override availability(isAvailable: boolean): void {
    if (!isAvailable) this.logger.warn('The relay fails: other workers cannot be reached.');
    else if (this.hasFailed) this.logger.log('The relay works again: other workers can be reached.');
    this.hasFailed ||= !isAvailable;
  }
}

/** Checked before the text is built: requests are frequent, and most installations do not log them. */
const isTracing = (): boolean => Logger.isLevelEnabled('debug');

function describeEnd(end: BusEnd): string {
  if (end.kind === 'refused') return `refused (${end.reason})`;
  return 'cause' in end ? `${end.kind} (${end.cause})` : end.kind;
}
