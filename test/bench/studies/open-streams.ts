import { setTimeout as pause } from 'node:timers/promises';
import type { ReceivedReport, StreamsOrder } from '../load-orders.js';
import type { MemoryReport } from '../probe-orders.js';
import type { Study, StudyBench } from './study.js';
import { startWorkerPair, type WorkerPair } from './worker-pair.js';

const KEEP_ALIVE_MS = 5_000;
const CALLS = { concurrency: 4, durationMs: 2_000 };

interface Opened {
  readonly where: 'local' | 'forwarded';
  readonly count: number;
  /** Bytes per session with its stream. */
  readonly atOwner: number;
  readonly atIngress: number;
}

/** Measures thousands of clients with an open stream and no calls. */
export const studyOpenStreams: Study = async (bench) => {
  const counts = bench.isQuick ? { local: 2_000, forwarded: 500 } : { local: 9_000, forwarded: 1_000 };
  const pair = await startWorkerPair(bench, { ISTHMUS_KEEP_ALIVE: `${KEEP_ALIVE_MS}ms` });
  try {
    // Excludes one-time costs from the measurement.
    await open(bench, pair, 'local', 200);
    await open(bench, pair, 'forwarded', 100);
    const local = await open(bench, pair, 'local', counts.local);
    const forwarded = await open(bench, pair, 'forwarded', counts.forwarded);
    await bench.load.order({ order: 'received' });
    await pause(2 * KEEP_ALIVE_MS);
    const received = await bench.load.order<ReceivedReport>({ order: 'received' });
    const calls = await bench.load.order(pair.load('local', CALLS));
    await bench.load.order({ order: 'leave' });
    const wanted = counts.local + counts.forwarded + 300;
    return {
      lines: [
        `open streams: ${wanted} at one owner, ${counts.forwarded + 100} of them through the other worker`,
        ...[local, forwarded].map(toLine),
        `  a call beside them: p50 ${calls.p50Ms.toFixed(2)} ms, p99 ${calls.p99Ms.toFixed(2)} ms, ${calls.errors} wrong`,
      ],
      verdicts: [
        {
          what: `${wanted} open streams: received a keep-alive within two intervals`,
          wanted: 'all',
          measured: `${received.received} of ${received.open} that are open`,
          kept: received.received === wanted,
        },
        {
          what: `${wanted} open streams: calls beside them`,
          wanted: 'answered, none wrong',
          measured: `${calls.calls} answered, ${calls.errors} wrong`,
          kept: calls.calls > 0 && calls.errors === 0,
        },
      ],
      figures: { local, forwarded, received, calls },
    };
  } finally {
    await pair.stop();
  }
};

async function open({ load }: StudyBench, pair: WorkerPair, where: Opened['where'], count: number): Promise<Opened> {
  const before = await memoryOf(pair);
  const target = (where === 'local' ? pair.owner : pair.ingress).target('legacy');
  const order: StreamsOrder = { order: 'streams', target, openAt: pair.owner.target('legacy'), count };
  await load.order(order);
  const after = await memoryOf(pair);
  const per = (worker: 'owner' | 'ingress'): number => (after[worker].rss - before[worker].rss) / count;
  return { where, count, atOwner: per('owner'), atIngress: per('ingress') };
}

async function memoryOf({ owner, ingress }: WorkerPair): Promise<Record<'owner' | 'ingress', MemoryReport>> {
  return { owner: await owner.process.memory(), ingress: await ingress.process.memory() };
}

function toLine({ where, count, atOwner, atIngress }: Opened): string {
  const kib = (bytes: number): string => `${(bytes / 1_024).toFixed(1)} KiB`;
  return `  resident memory per session with its stream, ${count} ${where} ones: at the owner ${kib(atOwner)}, at the other worker ${kib(atIngress)}`;
}
