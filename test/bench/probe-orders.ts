import type { Order } from './orders.js';

/** CPU time in milliseconds, user and system. */
export interface CpuReport {
  readonly cpuMs: number;
}

/** Bytes after a forced garbage collection. */
export interface MemoryReport {
  readonly rss: number;
  readonly heapUsed: number;
  /** Buffers and the like, outside the heap. */
  readonly external: number;
}

export const CPU_ORDER: Order<CpuReport> = { order: 'cpu' };
export const MEMORY_ORDER: Order<MemoryReport> = { order: 'memory' };
