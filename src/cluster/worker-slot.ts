import type { WorkerEnd, WorkerLauncher, WorkerProcess } from './worker-launcher.js';
import type { WorkerReport } from './worker-report.js';

type Listening = Extract<WorkerReport, { kind: 'listening' }>;

/** A worker that took requests for so long was no quick death. */
const SETTLED_AFTER_MS = 10_000;
const SHORTEST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 30_000;

/** What the crew hears of one of its places. */
export interface SlotEvents {
  onListening(slot: WorkerSlot, report: Listening): void;
  /** The worker is gone; `fault` is what it said of its start. */
  onEnd(slot: WorkerSlot, end: WorkerEnd & { readonly pid: number; readonly fault: string | undefined }): void;
}

/** One place of the crew, which is filled again whenever its worker ends. */
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
      onEnd: (end) => this.empty(end),
    });
  }

  /** Fills the place again: at once after a good life, after a growing pause when it did not last. Returns the pause. */
  refill(): number {
    const pauseMs =
      this.quickDeaths === 0 ? 0 : Math.min(LONGEST_PAUSE_MS, SHORTEST_PAUSE_MS * 2 ** (this.quickDeaths - 1));
    this.waiting = setTimeout(() => this.fill(), pauseMs);
    return pauseMs;
  }

  /** Nobody takes this place any more. */
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

  private empty(end: WorkerEnd): void {
    const pid = this.worker?.pid ?? 0;
    const livedMs = this.listeningSinceMs === undefined ? 0 : performance.now() - this.listeningSinceMs;
    this.quickDeaths = livedMs >= SETTLED_AFTER_MS ? 0 : this.quickDeaths + 1;
    this.worker = undefined;
    this.listeningSinceMs = undefined;
    this.events.onEnd(this, { ...end, pid, fault: this.fault });
  }
}
