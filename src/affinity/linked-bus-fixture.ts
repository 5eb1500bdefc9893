/** Connects workers within one process and honours the contract of WorkerBus. The spec injects the faults. */
import { GatewayError } from '#lib/extension-kit';
import { WorkerBus, type BusContext, type BusEnd, type BusExchange, type BusOrder } from '#lib/worker-bus';

/** Serves the orders of one pattern. */
export type Serve = (payload: unknown, context: BusContext) => Promise<unknown>;

interface Running {
  readonly order: BusOrder;
  readonly gone: AbortController;
  readonly finish: (end: BusEnd) => void;
}

/** Copies a value as JSON transport would. */
const travelled = (value: unknown): unknown => JSON.parse(JSON.stringify(value ?? null));

export class LinkedBus extends WorkerBus {
  /** The handlers of each worker, by pattern. A worker that is not listed does not reply. */
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

  /** Number of in-flight orders with this pattern. */
  underWay(pattern: string): number {
    return [...this.running].filter(({ order }) => order.pattern === pattern).length;
  }

  /** Ends every in-flight order here. The workers that serve them are not notified. */
  break(cause: Extract<BusEnd, { kind: 'unknown' }>['cause'], pattern?: string): void {
    for (const entry of this.running)
      if (!pattern || entry.order.pattern === pattern) entry.finish({ kind: 'unknown', cause });
  }

  /** Aborts the handlers of this pattern, as an exhausted time budget does. */
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
