/** Connects workers within one process and honours the contract of WorkerBus. The spec injects the faults. */
import { GatewayError } from '#lib/extension-kit';
import { WorkerBus, type BusContext, type BusEnd, type BusExchange } from '#lib/worker-bus';
import type { BusRequest } from '#lib/worker-bus/testing';
import { WorkerSignal } from '../workers/index.js';

/** Serves the orders of one pattern. */
export type PatternHandler = (payload: unknown, context: BusContext) => Promise<unknown>;

interface InFlightOrder {
  readonly order: BusRequest;
  readonly abort: AbortController;
  readonly finish: (end: BusEnd) => void;
}

/** Copies a value as JSON transport would. */
const toJsonCopy = (value: unknown): unknown => JSON.parse(JSON.stringify(value ?? null));

export class LinkedBus extends WorkerBus {
  /** The handlers of each worker, by pattern. A worker that is not listed does not reply. */
  readonly workers = new Map<string, ReadonlyMap<string, PatternHandler>>();
  readonly orders: BusRequest[] = [];
  private readonly inFlight = new Set<InFlightOrder>();

  constructor(private readonly workerId: string) {
    super();
  }

  override request(order: BusRequest, onEvent?: (event: unknown) => void | Promise<void>): BusExchange {
    this.orders.push(order);
    const { promise: end, resolve } = Promise.withResolvers<BusEnd>();
    const abort = new AbortController();
    const running: InFlightOrder = {
      order,
      abort,
      finish: (last) => {
        this.inFlight.delete(running);
        resolve(last);
      },
    };
    this.inFlight.add(running);
    setImmediate(() => void this.serve(running, onEvent));
    return { end, accepted: Promise.resolve(true), cancel: () => abort.abort() };
  }

  /** Number of in-flight orders with this pattern. */
  countInFlight(pattern: string): number {
    return [...this.inFlight].filter(({ order }) => order.pattern === pattern).length;
  }

  /** Ends every in-flight order here. The workers that serve them are not notified. */
  failInFlight(cause: Extract<BusEnd, { kind: 'unknown' }>['cause'], pattern?: string): void {
    for (const entry of this.inFlight)
      if (!pattern || entry.order.pattern === pattern) entry.finish({ kind: 'unknown', cause });
  }

  /** Aborts the handlers of this pattern, as an exhausted time budget does. */
  expire(pattern: string): void {
    for (const { order, abort } of this.serving) if (order.pattern === pattern) abort.abort();
  }

  private readonly serving = new Set<InFlightOrder>();

  private async serve(
    running: InFlightOrder,
    onEvent: ((event: unknown) => void | Promise<void>) | undefined,
  ): Promise<void> {
    const { order, abort, finish } = running;
    const serve = this.workers.get(order.to)?.get(order.pattern);
    if (!serve) return finish({ kind: 'not-executed', cause: abort.signal.aborted ? 'cancelled' : 'unreachable' });
    this.serving.add(running);
    const emit = async (event: unknown) => {
      if (this.inFlight.has(running)) await onEvent?.(toJsonCopy(event));
    };
    try {
      const value = await serve(toJsonCopy(order.payload), {
        request: 'linked',
        requester: this.workerId,
        signal: abort.signal,
        emit,
      });
      finish({ kind: 'value', value: toJsonCopy(value) });
    } catch (cause) {
      if (cause instanceof WorkerSignal) finish({ kind: 'value', value: toJsonCopy(cause.toReply()) });
      else if (cause instanceof GatewayError) finish({ kind: 'value', value: toJsonCopy(cause.toOutcome()) });
      else finish({ kind: 'failed' });
    } finally {
      this.serving.delete(running);
    }
  }
}
