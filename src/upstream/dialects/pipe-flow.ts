/** A call whose messages are delivered in order. */
export interface Reader {
  /** Abandons the call because its reader does not read its messages. */
  abandon(reason: string): void;
}

type Step = () => void | Promise<void>;

/** Number of waiting steps at which the pipe is paused, and at which it is resumed. */
const HIGH_WATER = 64;
const LOW_WATER = 16;

/** How long slow readers may keep a shared pipe paused, in milliseconds. */
const PATIENCE_MS = 5_000;

/**
 * Delivers the messages of each call in order while its reader is slow. Other calls on the same pipe do not wait, and
 * the number of buffered messages is bounded.
 */
export class PipeFlow {
  private readonly queues = new Map<Reader, Step[]>();
  private waiting = 0;
  private stalled: NodeJS.Timeout | undefined;

  constructor(private readonly pipe: { pause(): void; resume(): void }) {}

  /** Runs the step after all earlier steps of the same call. */
  run(call: Reader, step: Step): void {
    const queue = this.queues.get(call);
    if (queue === undefined) {
      const pressure = step();
      if (pressure !== undefined) void this.drain(call, pressure);
      return;
    }
    queue.push(step);
    if (++this.waiting >= HIGH_WATER) this.stall();
  }

  close(): void {
    clearTimeout(this.stalled);
    this.stalled = undefined;
  }

  private async drain(call: Reader, pressure: Promise<void>): Promise<void> {
    const queue: Step[] = [];
    this.queues.set(call, queue);
    await pressure.catch(IGNORE);
    for (let step = queue.shift(); step !== undefined; step = queue.shift()) {
      this.waiting--;
      this.relax();
      await step()?.catch(IGNORE);
    }
    this.queues.delete(call);
  }

  private stall(): void {
    if (this.stalled !== undefined) return;
    this.pipe.pause();
    this.stalled = setTimeout(() => this.dropSlowReaders(), PATIENCE_MS).unref();
  }

  private relax(): void {
    if (this.stalled === undefined || this.waiting > LOW_WATER) return;
    clearTimeout(this.stalled);
    this.stalled = undefined;
    this.pipe.resume();
  }

  private dropSlowReaders(): void {
    for (const [call, queue] of this.queues) {
      this.waiting -= queue.length;
      queue.length = 0;
      call.abandon('its reader is too slow');
    }
    this.relax();
  }
}

const IGNORE = (): void => undefined;
