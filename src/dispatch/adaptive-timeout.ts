import type { Clock } from '#lib/time';
import type { ServerDefinition } from '../registry/index.js';

/** Timeout for a server whose last work was late, so that it does not delay the others again. */
const REDUCED_TIMEOUT_MS = 100;

/** Maximum unfinished work of a late server; more is not started until some of it has ended. */
const MAX_PENDING = 8;

interface ServerTiming {
  isLate: boolean;
  pending: number;
}

/** Limits how long an aggregated request waits for each server: in full for a server that was in time, briefly for a late one. */
export class AdaptiveTimeout {
  private readonly timings = new WeakMap<ServerDefinition, ServerTiming>();

  constructor(
    private readonly fullTimeoutMs: number,
    private readonly clock: Clock,
  ) {}

  /**
   * Returns the value of the work, or undefined when it timed out or was not started because too much of it is unfinished.
   * Late work continues; when it succeeds, its server gets the full timeout again.
   */
  async run<T>(
    server: ServerDefinition,
    start: () => Promise<T>,
    succeeded: (value: T) => boolean,
  ): Promise<T | undefined> {
    const known = this.timingOf(server);
    if (known.isLate && known.pending >= MAX_PENDING) return undefined;
    const { promise: timedOut, resolve } = Promise.withResolvers<undefined>();
    const cancelTimeout = this.clock.after(known.isLate ? REDUCED_TIMEOUT_MS : this.fullTimeoutMs, () => {
      known.isLate = true;
      resolve(undefined);
    });
    known.pending += 1;
    const work = start()
      .then((value) => {
        if (succeeded(value)) known.isLate = false;
        return value;
      })
      .finally(() => {
        cancelTimeout();
        known.pending -= 1;
      });
    return Promise.race([work, timedOut]);
  }

  private timingOf(server: ServerDefinition): ServerTiming {
    const known = this.timings.get(server) ?? { isLate: false, pending: 0 };
    this.timings.set(server, known);
    return known;
  }
}
