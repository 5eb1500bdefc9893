/** Workers that ask each other within one process, by the promises of WorkerBus. What goes wrong is up to the spec. */
import { GatewayError } from '#lib/extension-kit';
import { WorkerBus, type BusContext, type BusEnd, type BusExchange, type BusOrder } from '#lib/worker-bus';

/** Serves one pattern. */
export type Serve = (payload: unknown, context: BusContext) => Promise<unknown>;

interface Running {
  readonly order: BusOrder;
  readonly gone: AbortController;
  readonly finish: (end: BusEnd) => void;
}

/** As JSON travels. */
const travelled = (value: unknown): unknown => JSON.parse(JSON.stringify(value ?? null));

export class LinkedBus extends WorkerBus {
  /** What each worker serves, by pattern. A worker that is not there does not answer. */
  readonly workers = new Map<string, ReadonlyMap<string, Serve>>();
  readonly orders: BusOrder[] = [];
  private readonly running = new Set<Running>();

  constructor(private readonly me: string) {
    super();
  }

  override request(order: BusOrder, onEvent?: (event: unknown) => void | Promise<void>): BusExchange {
    this.orders.push(order);
    const { promise: end, resolve } = Promise.withResolvers<BusEnd>();
    const gone = new AbortController();
    const running: Running = {
      order,
      gone,
      finish: (last) => {
        this.running.delete(running);
        resolve(last);
      },
    };
    this.running.add(running);
    setImmediate(() => void this.serve(running, onEvent));
    return { end, accepted: Promise.resolve(true), cancel: () => gone.abort() };
  }

  /** How many orders of this pattern are under way. */
  underWay(pattern: string): number {
    return [...this.running].filter(({ order }) => order.pattern === pattern).length;
  }

  /** Everything under way ends here; the workers that serve it do not learn of that. */
  break(cause: Extract<BusEnd, { kind: 'unknown' }>['cause'], pattern?: string): void {
    for (const one of this.running)
      if (!pattern || one.order.pattern === pattern) one.finish({ kind: 'unknown', cause });
  }

  /** The budget of what still runs there is over. */
  expire(pattern: string): void {
    for (const { order, gone } of this.served) if (order.pattern === pattern) gone.abort();
  }

  private readonly served = new Set<Running>();

  private async serve(
    running: Running,
    onEvent: ((event: unknown) => void | Promise<void>) | undefined,
  ): Promise<void> {
    const { order, gone, finish } = running;
    const serve = this.workers.get(order.to)?.get(order.pattern);
    if (!serve) return finish({ kind: 'not-executed', cause: gone.signal.aborted ? 'cancelled' : 'unreachable' });
    this.served.add(running);
    const emit = async (event: unknown) => {
      if (this.running.has(running)) await onEvent?.(travelled(event));
    };
    try {
      const value = await serve(travelled(order.payload), { requester: this.me, signal: gone.signal, emit });
      finish({ kind: 'value', value: travelled(value) });
    } catch (cause) {
      if (cause instanceof GatewayError) finish({ kind: 'value', value: travelled(cause.toOutcome()) });
      else finish({ kind: 'failed' });
    } finally {
      this.served.delete(running);
    }
  }
}
