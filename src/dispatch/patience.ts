/** How long to wait for a server that did not answer in time the last time: it must not slow the others down again. */
const SHORT_MS = 100;

/** Waits for several servers at once, each only as long as it has deserved. */
export class Patience {
  private readonly late = new Set<string>();

  constructor(private readonly fullMs: number) {}

  /** The work's value, or undefined when it took too long. Late work goes on, and earns back its time if it succeeds. */
  async wait<T>(server: string, work: Promise<T>, succeeded: (value: T) => boolean): Promise<T | undefined> {
    const limitMs = this.late.has(server) ? SHORT_MS : this.fullMs;
    let timer: NodeJS.Timeout | undefined;
    const outOfPatience = new Promise<undefined>((resolve) => {
      timer = setTimeout(() => {
        this.late.add(server);
        resolve(undefined);
      }, limitMs);
    });
    const done = work.then((value) => {
      clearTimeout(timer);
      if (succeeded(value)) this.late.delete(server);
      return value;
    });
    return Promise.race([done, outOfPatience]);
  }
}
