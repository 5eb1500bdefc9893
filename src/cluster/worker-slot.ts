import type { WorkerEnd, WorkerLauncher, WorkerProcess } from './worker-launcher.js';
import type { WorkerReport } from './worker-report.js';

type Listening = Extract<WorkerReport, { kind: 'listening' }>;

/** A worker that listened for this long counts as stable and is replaced at once. */
const SETTLED_AFTER_MS = 10_000;
const SHORTEST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 30_000;

/** Events of one slot. */
export interface SlotEvents {
  onListening(slot: WorkerSlot, report: Listening): void;
  /** The worker has exited; `fault` is the fault that it reported during its start. */
  onEnd(slot: WorkerSlot, exit: WorkerEnd & { readonly pid: number; readonly fault: string | undefined }): void;
}

/** One slot of the supervisor, which starts a new worker when its worker exits. */
export class WorkerSlot {
  private worker: WorkerProcess | undefined;
  private listeningSinceMs: number | undefined;
  private fault: string | undefined;
  private quickDeaths = 0;
  private waiting: NodeJS.Timeout | undefined;

  constructor(
    private readonly launcher: WorkerLauncher,
    private readonly events: SlotEvents,
  ) {}

  get isFilled(): boolean {
    return this.worker !== undefined;
  }

  get isListening(): boolean {
    return this.listeningSinceMs !== undefined;
  }

  fill(): void {
    this.waiting = undefined;
    this.fault = undefined;
    this.worker = this.launcher.launch({
      onReport: (report) => this.hear(report),
      onEnd: (exit) => this.empty(exit),
    });
  }

  /**
   * Starts a new worker: at once after a stable run, with exponential delay after short runs. Returns the delay in
   * milliseconds.
   */
  refill(): number {
    const delayMs =
      this.quickDeaths === 0 ? 0 : Math.min(LONGEST_PAUSE_MS, SHORTEST_PAUSE_MS * 2 ** (this.quickDeaths - 1));
    this.waiting = setTimeout(() => this.fill(), delayMs);
    return delayMs;
  }

  /** Cancels a scheduled restart. */
  abandon(): void {
    clearTimeout(this.waiting);
    this.waiting = undefined;
  }

  kill(signal: NodeJS.Signals): void {
    this.worker?.kill(signal);
  }

  private hear(report: WorkerReport): void {
    if (report.kind === 'fault') {
      this.fault = report.text;
      return;
    }
    this.listeningSinceMs = performance.now();
    this.events.onListening(this, report);
  }

  private empty(exit: WorkerEnd): void {
    const pid = this.worker?.pid ?? 0;
    const runMs = this.listeningSinceMs === undefined ? 0 : performance.now() - this.listeningSinceMs;
    this.quickDeaths = runMs >= SETTLED_AFTER_MS ? 0 : this.quickDeaths + 1;
    this.worker = undefined;
    this.listeningSinceMs = undefined;
    this.events.onEnd(this, { ...exit, pid, fault: this.fault });
  }
}
