/**
 * Loaded into every measured process before its own code (`--import`), so that subjects contain no code for the bench.
 * Reports the usage of the whole process, including all threads.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { serveOrders, type Order } from './orders.js';
import { CPU_ORDER, type CpuReport, type MemoryReport } from './probe-orders.js';

/** Number of collections: objects with finalizers and weak references need more than one. */
const COLLECTIONS = 4;

/** Background threads return freed pages to the system within this time. */
const RELEASE_MS = 100;

async function measureMemory(): Promise<MemoryReport> {
  for (let round = 0; round < COLLECTIONS; round += 1) {
    globalThis.gc?.({ type: 'major', execution: 'sync', flavor: 'last-resort' });
    await pause(RELEASE_MS);
  }
  const { rss, heapUsed, external } = process.memoryUsage();
  return { rss, heapUsed, external };
}

function measureCpu(): CpuReport {
  const { user, system } = process.cpuUsage();
  return { cpuMs: (user + system) / 1_000 };
}

serveOrders(async (wanted) => {
  const { order } = wanted as Order<CpuReport | MemoryReport>;
  return order === CPU_ORDER.order ? measureCpu() : await measureMemory();
});
// The IPC channel must not keep the process alive.
process.channel?.unref();
