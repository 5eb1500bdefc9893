/** How long to wait for a server that did not answer in time the last time: it must not slow the others down again. */
const REDUCED_TIMEOUT_MS = 100;

/** Work that a late server may have before it; more is not started until some of it has ended. */
const MAX_PENDING = 8;

interface ServerTiming {
  isLate: boolean;
  pending: number;
}

/** Waits for several servers at once, each only as long as it has deserved. */
export class AdaptiveTimeout {
  private readonly timings = new Map<string, ServerTiming>();

  constructor(private readonly fullTimeoutMs: number) {}

  /**
   * The work's value, or undefined when it took too long, or was not started because much of that kind still goes on.
   * Late work goes on, and earns back its server's time if it succeeds.
   */
  async run<T>(server: string, start: () => Promise<T>, succeeded: (value: T) => boolean): Promise<T | undefined> {
    const known = this.timingOf(server);
    if (known.isLate && known.pending >= MAX_PENDING) return undefined;
    const { promise: outOfPatience, resolve } = Promise.withResolvers<undefined>();
    const timer = setTimeout(
      () => {
        known.isLate = true;
        resolve(undefined);
      },
      known.isLate ? REDUCED_TIMEOUT_MS : this.fullTimeoutMs,
    );
    known.pending += 1;
    const work = start()
      .then((value) => {
        if (succeeded(value)) known.isLate = false;
        return value;
      })
      .finally(() => {
        clearTimeout(timer);
        known.pending -= 1;
      });
    return Promise.race([work, outOfPatience]);
  }

  private timingOf(server: string): ServerTiming {
    const known = this.timings.get(server) ?? { isLate: false, pending: 0 };
    this.timings.set(server, known);
    return known;
  }
}
