/**
 * Loaded into every measured process before its own code (`--import`), so that no subject needs to know of the bench:
 * says what the whole process has used, all its threads included.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { serveOrders, type Order } from './orders.js';
import { CPU_ORDER, type CpuReport, type MemoryReport } from './probe-orders.js';

/** Objects with finalizers and weak references need more than one round. */
const COLLECTIONS = 4;

/** Freed pages are given back to the system by threads of their own. */
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
// The channel alone must not keep a process alive that wants to end.
process.channel?.unref();
