import type { Clock } from '#lib/time';
import type { WorkerExit, WorkerLauncher, WorkerProcess } from './worker-launcher.js';
import type { WorkerReport } from './worker-report.js';

type Listening = Extract<WorkerReport, { kind: 'listening' }>;

/** A worker that listened for this long counts as stable and is replaced at once. */
const MIN_STABLE_RUN_MS = 10_000;
const MIN_RESTART_DELAY_MS = 250;
const MAX_RESTART_DELAY_MS = 30_000;

/** Events of one slot. */
export interface SlotEvents {
  onListening(slot: WorkerSlot, report: Listening): void;
  /** The worker has exited; `fault` is the fault that it reported during its start. */
  onExit(slot: WorkerSlot, exit: WorkerExit & { readonly pid: number; readonly fault: string | undefined }): void;
}

/** One slot of the supervisor, which starts a new worker when its worker exits. */
export class WorkerSlot {
  private worker: WorkerProcess | undefined;
  private listeningSinceMs: number | undefined;
  private fault: string | undefined;
  private shortRuns = 0;
  private scheduledRestart: AbortController | undefined;

  constructor(
    private readonly launcher: WorkerLauncher,
    private readonly events: SlotEvents,
    private readonly clock: Clock,
  ) {}

  get isOccupied(): boolean {
    return this.worker !== undefined;
  }

  get isListening(): boolean {
    return this.listeningSinceMs !== undefined;
  }

  start(): void {
    this.scheduledRestart = undefined;
    this.fault = undefined;
    this.worker = this.launcher.launch({
      onReport: (report) => this.handleReport(report),
      onExit: (exit) => this.handleExit(exit),
    });
  }

  /**
   * Starts a new worker: at once after a stable run, with exponential delay after short runs. Returns the delay in
   * milliseconds.
   */
  restart(): number {
    const delayMs =
      this.shortRuns === 0 ? 0 : Math.min(MAX_RESTART_DELAY_MS, MIN_RESTART_DELAY_MS * 2 ** (this.shortRuns - 1));
    const scheduled = (this.scheduledRestart = new AbortController());
    // A sleep keeps the primary process alive while it has no worker.
    void this.clock.sleep(delayMs, scheduled.signal).then(() => {
      if (!scheduled.signal.aborted) this.start();
    });
    return delayMs;
  }

  /** Cancels a scheduled restart. */
  cancelRestart(): void {
    this.scheduledRestart?.abort();
    this.scheduledRestart = undefined;
  }

  kill(signal: NodeJS.Signals): void {
    this.worker?.kill(signal);
  }

  confirmGreeting(): void {
    this.worker?.confirmGreeting();
  }

  private handleReport(report: WorkerReport): void {
    if (report.kind === 'fault') {
      this.fault = report.text;
      return;
    }
    this.listeningSinceMs = this.clock.monotonicNow();
    this.events.onListening(this, report);
  }

  private handleExit(exit: WorkerExit): void {
    const pid = this.worker?.pid ?? 0;
    const runMs = this.listeningSinceMs === undefined ? 0 : this.clock.monotonicNow() - this.listeningSinceMs;
    this.shortRuns = runMs >= MIN_STABLE_RUN_MS ? 0 : this.shortRuns + 1;
    this.worker = undefined;
    this.listeningSinceMs = undefined;
    this.events.onExit(this, { ...exit, pid, fault: this.fault });
  }
}
