import cluster from 'node:cluster';
import { readSnapshot, type MetricSnapshot } from '#lib/metric-snapshots';
import { readMetricsMessage, toProcessMessage, type MetricsMessage } from './metrics-relay.js';

/** The connection of a worker to the relay of its primary. */
export interface RelayConnection {
  /** Returns the sum over all workers. Rejects when the primary is gone. */
  collect(): Promise<MetricSnapshot>;
  close(): void;
}

/** Answers the requests of the primary with the snapshot of this worker. Undefined: this process has no primary. */
export function connectToRelay(snapshot: () => Promise<MetricSnapshot>): RelayConnection | undefined {
  if (!cluster.isWorker) return undefined;
  const waiting = new Map<number, (sum: MetricSnapshot | undefined) => void>();
  let requests = 0;
  const receive = (raw: unknown): void => {
    const message = readMetricsMessage(raw);
    if (message?.kind === 'read') void snapshot().then((own) => send({ ...message, kind: 'snapshot', snapshot: own }));
    if (message?.kind === 'sum') waiting.get(message.id)?.(readSnapshot(message.snapshot));
  };
  const giveUp = (): void => {
    for (const settle of waiting.values()) settle(undefined);
  };
  process.on('message', receive).on('disconnect', giveUp);
  return {
    collect: async () => {
      const id = (requests += 1);
      const { promise, resolve } = Promise.withResolvers<MetricSnapshot | undefined>();
      waiting.set(id, resolve);
      send({ kind: 'collect', id });
      const sum = await promise.finally(() => waiting.delete(id));
      if (!sum) throw new Error('The primary process does not answer.');
      return sum;
    },
    close: () => {
      process.off('message', receive).off('disconnect', giveUp);
      giveUp();
    },
  };
}

/** Sending fails while the primary exits; the requests then end with the connection. */
function send(message: MetricsMessage): void {
  process.send?.(toProcessMessage(message), undefined, {}, () => undefined);
}
