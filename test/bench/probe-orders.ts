import type { Order } from './orders.js';

/** CPU time in milliseconds, user and system. */
export interface CpuReport {
  readonly cpuMs: number;
}

/** Bytes after a forced garbage collection. */
export interface MemoryReport {
  readonly rss: number;
  readonly heapUsed: number;
  /** Memory outside the heap, such as buffers. */
  readonly external: number;
}

export const CPU_ORDER: Order<CpuReport> = { order: 'cpu' };
export const MEMORY_ORDER: Order<MemoryReport> = { order: 'memory' };
