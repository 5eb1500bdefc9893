/** How long to wait for a server that did not answer in time the last time: it must not slow the others down again. */
const SHORT_MS = 100;

/** Work that a late server may have before it; more is not started until some of it has ended. */
const MOST_PENDING = 8;

interface Late {
  isLate: boolean;
  pending: number;
}

/** Waits for several servers at once, each only as long as it has deserved. */
export class Patience {
  private readonly servers = new Map<string, Late>();

  constructor(private readonly fullMs: number) {}

  /**
   * The work's value, or undefined when it took too long, or was not started because much of that kind still goes on.
   * Late work goes on, and earns back its server's time if it succeeds.
   */
  async wait<T>(server: string, start: () => Promise<T>, succeeded: (value: T) => boolean): Promise<T | undefined> {
    const known = this.of(server);
    if (known.isLate && known.pending >= MOST_PENDING) return undefined;
    const { promise: outOfPatience, resolve } = Promise.withResolvers<undefined>();
    const timer = setTimeout(
      () => {
        known.isLate = true;
        resolve(undefined);
      },
      known.isLate ? SHORT_MS : this.fullMs,
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

  private of(server: string): Late {
    const known = this.servers.get(server) ?? { isLate: false, pending: 0 };
    this.servers.set(server, known);
    return known;
  }
}
