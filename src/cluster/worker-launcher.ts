import type { WorkerReport } from './worker-report.js';

/** How a process exited: with a code, or by a signal. */
export interface WorkerExit {
  readonly code: number | null;
  readonly signal: string | null;
}

/** Events of a launched worker. */
export interface WorkerEvents {
  onReport(report: WorkerReport): void;
  /** Called exactly once, after all other events. */
  onExit(end: WorkerExit): void;
}

/** A worker's process as the primary sees it. */
export interface WorkerProcess {
  readonly pid: number;
  kill(signal: NodeJS.Signals): void;
  /** Notifies the worker that the greeting was printed, so that it may print its log. */
  confirmGreeting(): void;
}

/** Starts worker processes. */
export abstract class WorkerLauncher {
  abstract launch(events: WorkerEvents): WorkerProcess;
}
