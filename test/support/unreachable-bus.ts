import { WorkerBus, type BusExchange } from '#lib/worker-bus';

/** A bus on which no worker is reachable. */
export class UnreachableBus extends WorkerBus {
  override request(): BusExchange {
    const end = Promise.resolve({ kind: 'not-executed', cause: 'unreachable' } as const);
    return { end, accepted: Promise.resolve(false), cancel: () => undefined };
  }
}
