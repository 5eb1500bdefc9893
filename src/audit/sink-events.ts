import type { Clock } from '#lib/time';
import type { GatewayEvents } from '../events/index.js';
import type { AuditSinks } from './audit-sinks.js';
import type { AuditSinkStatus } from './sinks/sink-queue.js';

/** How long a sink must have been down, or up again, until that is an event. A recovery that does not last is none. */
const DOWN_AFTER_MS = 10_000;
const UP_AFTER_MS = 30_000;
/** Changes within such a time are one occurrence. Two changes of one worker in the same direction are further apart. */
const SAME_CHANGE_MS = 10_000;
/** Workers report the same change within such a time. */
const CHANGE_QUIET_MS = 60_000;
/**
 * A sink that stays down is reported again at multiples of this time, by one of the workers: when one worker reports that it is up
 * again, another one may still be unable to reach it.
 */
const REMINDER_INTERVAL_MS = 600_000;

/**
 * Emits an event when a sink goes down or accepts records again, and from time to time while it is down. Returns a function that
 * stops it.
 *
 * @param worker id of this worker
 */
export function emitSinkEvents(
  sinks: Pick<AuditSinks, 'status' | 'onStateChange'>,
  events: GatewayEvents,
  worker: string,
  clock: Clock,
): () => void {
  const watches = sinks.status().map(({ sink }, index) => {
    const read = () => sinks.status()[index];
    return new SinkWatch(sink, read, events, worker, clock);
  });
  const stop = sinks.onStateChange(() => watches.forEach((watch) => watch.update()));
  return () => {
    stop();
    for (const watch of watches) watch.stop();
  };
}

/** Reports the state of one sink once it lasts. */
class SinkWatch {
  private isUp = true;
  private isReportedDown = false;
  private cancel: (() => void) | undefined;

  constructor(
    private readonly sink: string,
    private readonly read: () => AuditSinkStatus | undefined,
    private readonly events: GatewayEvents,
    private readonly worker: string,
    private readonly clock: Clock,
  ) {}

  update(): void {
    const { isUp = true } = this.read() ?? {};
    if (isUp === this.isUp) return;
    this.isUp = isUp;
    this.stop();
    if (!isUp && this.isReportedDown) this.remindLater();
    else if (!isUp) this.cancel = this.clock.after(DOWN_AFTER_MS, () => this.reportDown());
    else if (this.isReportedDown) this.cancel = this.clock.after(UP_AFTER_MS, () => this.reportUp());
  }

  stop(): void {
    this.cancel?.();
    this.cancel = undefined;
  }

  private reportDown(): void {
    this.isReportedDown = true;
    const changedAt = this.read()?.since.getTime() ?? 0;
    this.emitDown(this.toOccurrence('down', changedAt, SAME_CHANGE_MS), CHANGE_QUIET_MS);
    this.remindLater();
  }

  private reportUp(): void {
    this.isReportedDown = false;
    const { sink, worker } = this;
    const changedAt = this.read()?.since.getTime() ?? 0;
    const occurrence = this.toOccurrence('up', changedAt, SAME_CHANGE_MS);
    this.events.emit('audit.sink_recovered', { occurrence, quietMs: CHANGE_QUIET_MS, data: { sink, worker } });
  }

  private remindLater(): void {
    const elapsedMs = this.clock.now() % REMINDER_INTERVAL_MS;
    this.cancel = this.clock.after(REMINDER_INTERVAL_MS - elapsedMs, () => {
      const occurrence = this.toOccurrence('still down', this.clock.now(), REMINDER_INTERVAL_MS);
      this.emitDown(occurrence, REMINDER_INTERVAL_MS);
      this.remindLater();
    });
  }

  private emitDown(occurrence: string, quietMs: number): void {
    const { sink, worker } = this;
    const { reason = 'unknown' } = this.read() ?? {};
    this.events.emit('audit.sink_down', { occurrence, quietMs, data: { sink, reason, worker } });
  }

  private toOccurrence(what: string, at: number, sameMs: number): string {
    return JSON.stringify([this.sink, what, Math.floor(at / sameMs)]);
  }
}
