import type { Clock } from '#lib/time';

/** A call whose messages are delivered in order. */
export interface FlowControlledCall {
  /** Abandons the call because its reader does not read its messages. */
  abandon(reason: string): void;
}

type Step = () => void | Promise<void>;

/** Number of waiting steps at which the pipe is paused, and at which it is resumed. */
const HIGH_WATER_MARK = 64;
const LOW_WATER_MARK = 16;

/** How long slow readers may keep a shared pipe paused, in milliseconds. */
const SLOW_READER_TIMEOUT_MS = 5_000;

/**
 * Delivers the messages of each call in order while its reader is slow. Other calls on the same pipe do not wait, and
 * the number of buffered messages is bounded.
 */
export class PipeFlowControl {
  private readonly queues = new Map<FlowControlledCall, Step[]>();
  private waiting = 0;
  private cancelStall: (() => void) | undefined;

  constructor(
    private readonly pipe: { pause(): void; resume(): void },
    private readonly clock: Clock,
  ) {}

  /** Runs the step after all earlier steps of the same call. */
  run(call: FlowControlledCall, step: Step): void {
    const queue = this.queues.get(call);
    if (queue === undefined) {
      const pressure = step();
      if (pressure !== undefined) void this.drain(call, pressure);
      return;
    }
    queue.push(step);
    if (++this.waiting >= HIGH_WATER_MARK) this.pausePipe();
  }

  close(): void {
    this.cancelStall?.();
    this.cancelStall = undefined;
  }

  private async drain(call: FlowControlledCall, pressure: Promise<void>): Promise<void> {
    const queue: Step[] = [];
    this.queues.set(call, queue);
    await pressure.catch(IGNORE);
    for (let step = queue.shift(); step !== undefined; step = queue.shift()) {
      this.waiting--;
      this.resumePipe();
      await step()?.catch(IGNORE);
    }
    this.queues.delete(call);
  }

  private pausePipe(): void {
    if (this.cancelStall !== undefined) return;
    this.pipe.pause();
    this.cancelStall = this.clock.after(SLOW_READER_TIMEOUT_MS, () => this.dropSlowReaders());
  }

  private resumePipe(): void {
    if (this.cancelStall === undefined || this.waiting > LOW_WATER_MARK) return;
    this.cancelStall();
    this.cancelStall = undefined;
    this.pipe.resume();
  }

  private dropSlowReaders(): void {
    for (const [call, queue] of this.queues) {
      this.waiting -= queue.length;
      queue.length = 0;
      call.abandon('its reader is too slow');
    }
    this.resumePipe();
  }
}

const IGNORE = (): void => undefined;
