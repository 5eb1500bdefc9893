import type { WorkerExit, WorkerLauncher, WorkerProcess } from './worker-launcher.js';
import type { WorkerReport } from './worker-report.js';

type Listening = Extract<WorkerReport, { kind: 'listening' }>;

/** A worker that took requests for so long was no quick death. */
const MIN_STABLE_RUN_MS = 10_000;
const MIN_RESTART_DELAY_MS = 250;
const MAX_RESTART_DELAY_MS = 30_000;

/** What the crew hears of one of its places. */
export interface SlotEvents {
  onListening(slot: WorkerSlot, report: Listening): void;
  /** The worker is gone; `fault` is what it said of its start. */
  onExit(slot: WorkerSlot, end: WorkerExit & { readonly pid: number; readonly fault: string | undefined }): void;
}

/** One place of the crew, which is filled again whenever its worker ends. */
export class WorkerSlot {
  private worker: WorkerProcess | undefined;
  private listeningSinceMs: number | undefined;
  private fault: string | undefined;
  private shortRuns = 0;
  private restartTimer: NodeJS.Timeout | undefined;

  constructor(
    private readonly launcher: WorkerLauncher,
    private readonly events: SlotEvents,
  ) {}

  get isOccupied(): boolean {
    return this.worker !== undefined;
  }

  get isListening(): boolean {
    return this.listeningSinceMs !== undefined;
  }

  start(): void {
    this.restartTimer = undefined;
    this.fault = undefined;
    this.worker = this.launcher.launch({
      onReport: (report) => this.handleReport(report),
      onExit: (end) => this.handleExit(end),
    });
  }

  /** Fills the place again: at once after a good life, after a growing pause when it did not last. Returns the pause. */
  restart(): number {
    const pauseMs =
      this.shortRuns === 0 ? 0 : Math.min(MAX_RESTART_DELAY_MS, MIN_RESTART_DELAY_MS * 2 ** (this.shortRuns - 1));
    this.restartTimer = setTimeout(() => this.start(), pauseMs);
    return pauseMs;
  }

  /** Nobody takes this place any more. */
  cancelRestart(): void {
    clearTimeout(this.restartTimer);
    this.restartTimer = undefined;
  }

  kill(signal: NodeJS.Signals): void {
    this.worker?.kill(signal);
  }

  private handleReport(report: WorkerReport): void {
    if (report.kind === 'fault') {
      this.fault = report.text;
      return;
    }
    this.listeningSinceMs = performance.now();
    this.events.onListening(this, report);
  }

  private handleExit(end: WorkerExit): void {
    const pid = this.worker?.pid ?? 0;
    const livedMs = this.listeningSinceMs === undefined ? 0 : performance.now() - this.listeningSinceMs;
    this.shortRuns = livedMs >= MIN_STABLE_RUN_MS ? 0 : this.shortRuns + 1;
    this.worker = undefined;
    this.listeningSinceMs = undefined;
    this.events.onExit(this, { ...end, pid, fault: this.fault });
  }
}
