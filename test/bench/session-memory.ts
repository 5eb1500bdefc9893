import type { SessionsOrder } from './load-orders.js';
import type { PinnedProcess } from './pinned-process.js';
import type { MemoryReport } from './probe-orders.js';
import { startSubject, type Upstream } from './subjects.js';

const CONNECTIONS = 8;

export interface SessionCounts {
  /** Number of sessions before the first measurement, which excludes one-time costs. */
  readonly from: number;
  readonly to: number;
}

/** Memory of an idle session without an open stream, in bytes, after forced garbage collections. */
export interface SessionMemory extends SessionCounts {
  /** Each session has made one call, so that it may hold an upstream session too. */
  readonly used: boolean;
  readonly rssPerSession: number;
  /** Heap and external memory. */
  readonly heapPerSession: number;
  readonly before: MemoryReport;
  readonly after: MemoryReport;
}

/** Starts a new gateway, so that earlier measurements do not affect the result. */
export async function measureSessionMemory(
  upstream: Upstream,
  load: PinnedProcess,
  counts: SessionCounts,
  used: boolean,
): Promise<SessionMemory> {
  const gateway = await startSubject('gateway', upstream);
  const open = async (count: number): Promise<void> => {
    const target = gateway.target('legacy');
    const order: SessionsOrder = { order: 'sessions', target, count, connections: CONNECTIONS, used };
    await load.order(order);
  };
  try {
    await open(counts.from);
    const before = await gateway.process.memory();
    await open(counts.to - counts.from);
    const after = await gateway.process.memory();
    const per = (bytes: number): number => bytes / (counts.to - counts.from);
    return {
      ...counts,
      used,
      rssPerSession: per(after.rss - before.rss),
      heapPerSession: per(after.heapUsed + after.external - before.heapUsed - before.external),
      before,
      after,
    };
  } finally {
    await gateway.stop();
  }
}
