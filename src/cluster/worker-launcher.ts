import type { WorkerReport } from './worker-report.js';

/** How a process ended: by itself with a code, or by a signal. */
export interface WorkerExit {
  readonly code: number | null;
  readonly signal: string | null;
}

/** What a launched worker tells about itself. */
export interface WorkerEvents {
  onReport(report: WorkerReport): void;
  /** Exactly once, and last. */
  onExit(end: WorkerExit): void;
}

/** A worker's process, seen from the primary. */
export interface WorkerProcess {
  readonly pid: number;
  kill(signal: NodeJS.Signals): void;
}

/** Starts worker processes. */
export abstract class WorkerLauncher {
  abstract launch(events: WorkerEvents): WorkerProcess;
}
