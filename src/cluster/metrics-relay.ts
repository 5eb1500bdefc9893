import { keepCounters, readSnapshot, sumSnapshots, type MetricSnapshot } from '#lib/metric-snapshots';
import type { Clock } from '#lib/time';

/** Messages between the primary and its workers about metrics. */
export type MetricsMessage =
  /** A worker requests the sum over all workers. */
  | { readonly kind: 'collect'; readonly id: number }
  /** The primary requests the snapshot of a worker. */
  | { readonly kind: 'read'; readonly round: number }
  | { readonly kind: 'snapshot'; readonly round: number; readonly snapshot: unknown }
  /** The answer to `collect`. `reporting`: number of workers in the sum. */
  | { readonly kind: 'sum'; readonly id: number; readonly snapshot: unknown; readonly reporting: number };

/** Returns the message about metrics in an inter-process message, or undefined for any other message. */
export function readMetricsMessage(message: unknown): MetricsMessage | undefined {
  if (typeof message !== 'object' || message === null || !('isthmusMetrics' in message)) return undefined;
  // Only this build sends messages with this member, over a channel that no other process can reach.
  return message.isthmusMetrics as MetricsMessage;
}

export const toProcessMessage = (message: MetricsMessage) => ({ isthmusMetrics: message }) as const;

/** A worker as the relay sees it. */
export interface MeteredWorker {
  send(message: MetricsMessage): void;
}

/** A worker that does not answer in this time is missing in the sum. */
const READ_TIMEOUT_MS = 2_000;

/** Sums the metrics of the workers of this process, including the counts of workers that have exited. */
export class MetricsRelay {
  private readonly workers = new Map<MeteredWorker, MetricSnapshot>();
  private exited: MetricSnapshot = [];
  private rounds = 0;
  private readonly waiting = new Map<number, (worker: MeteredWorker, snapshot: MetricSnapshot) => void>();

  constructor(private readonly clock: Clock) {}

  addWorker(worker: MeteredWorker): void {
    this.workers.set(worker, []);
  }

  /** Keeps the counts that the worker reported last, so that no counter of the sum decreases. */
  removeWorker(worker: MeteredWorker): void {
    const last = this.workers.get(worker);
    if (!last) return;
    this.workers.delete(worker);
    this.exited = sumSnapshots([this.exited, keepCounters(last)]);
  }

  async handle(worker: MeteredWorker, message: MetricsMessage): Promise<void> {
    if (message.kind === 'snapshot') {
      const snapshot = readSnapshot(message.snapshot);
      if (snapshot) this.waiting.get(message.round)?.(worker, snapshot);
    }
    if (message.kind !== 'collect') return;
    const reporting = await this.readAll();
    const snapshot = sumSnapshots([this.exited, ...this.workers.values()]);
    worker.send({ kind: 'sum', id: message.id, snapshot, reporting });
  }

  /** Reads all workers at once. Returns the number of those that answered in time. */
  private async readAll(): Promise<number> {
    const round = (this.rounds += 1);
    const open = new Set(this.workers.keys());
    const total = open.size;
    const { promise: complete, resolve } = Promise.withResolvers<void>();
    this.waiting.set(round, (worker, snapshot) => {
      if (!open.delete(worker) || !this.workers.has(worker)) return;
      this.workers.set(worker, snapshot);
      if (open.size === 0) resolve();
    });
    for (const worker of open) worker.send({ kind: 'read', round });
    const cancel = this.clock.after(READ_TIMEOUT_MS, resolve);
    await complete;
    cancel();
    this.waiting.delete(round);
    return total - open.size;
  }
}
