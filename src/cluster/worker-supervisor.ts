import { Logger } from '@nestjs/common';
import type { Clock } from '#lib/time';
import { ClusterFault } from './cluster.errors.js';
import type { WorkerExit, WorkerLauncher } from './worker-launcher.js';
import type { WorkerReport } from './worker-report.js';
import { WorkerSlot } from './worker-slot.js';

/** Longer than a worker's own shutdown deadline, shorter than the 30 s after which process managers kill. */
const STOP_TIMEOUT_MS = 28_000;

type Listening = Extract<WorkerReport, { kind: 'listening' }>;
type ExitedWorker = WorkerExit & { readonly pid: number; readonly fault: string | undefined };

/** Supervises the workers of one gateway: starts them together, replaces those that die, and stops them together. */
export class WorkerSupervisor {
  private readonly logger = new Logger('Gateway');
  private readonly slots: readonly WorkerSlot[];
  /** Slots whose first start has neither succeeded nor failed yet. */
  private readonly starting: Set<WorkerSlot>;
  /** Exits before all first starts are settled: until then it is not known whether a worker is replaced. */
  private readonly earlyExits: [WorkerSlot, ExitedWorker][] = [];
  private readonly greetings: Listening[] = [];
  private readonly started = Promise.withResolvers<string>();
  private readonly allExited = Promise.withResolvers<number>();
  private isStopping = false;
  private isGreeted = false;
  private exitCode = 0;

  constructor(
    launcher: WorkerLauncher,
    size: number,
    private readonly clock: Clock,
  ) {
    const events = {
      onListening: (slot: WorkerSlot, report: Listening) => this.handleListening(slot, report),
      onExit: (slot: WorkerSlot, exit: ExitedWorker) => this.handleExit(slot, exit),
    };
    this.slots = Array.from({ length: size }, () => new WorkerSlot(launcher, events, clock));
    this.starting = new Set(this.slots);
  }

  /** Resolves with the exit code once `stop` was called and the last worker has exited. */
  get stopped(): Promise<number> {
    return this.allExited.promise;
  }

  /**
   * Starts all workers. Resolves with one greeting when every first start is settled and at least one worker listens;
   * failed workers are started again.
   * @throws ClusterFault when no worker can start; its message contains each reason once
   */
  start(): Promise<string> {
    for (const slot of this.slots) slot.start();
    return this.started.promise;
  }

  /** Call when the greeting is printed: the workers hold their log until then. */
  confirmGreeting(): void {
    this.isGreeted = true;
    for (const slot of this.slots) if (slot.isListening) slot.confirmGreeting();
  }

  /** Makes the listening workers reload the configuration. Starting workers read it anyway. */
  reload(): void {
    for (const slot of this.slots) if (slot.isListening) slot.kill('SIGHUP');
  }

  /** Makes every worker drain. Workers that still run at the deadline are killed. */
  stop(): void {
    if (this.isStopping) return;
    this.isStopping = true;
    for (const slot of this.slots) {
      slot.cancelRestart();
      slot.kill('SIGTERM');
    }
    const cancelDeadline = this.clock.after(STOP_TIMEOUT_MS, () => {
      this.logger.warn('Killing the workers that still run at the shutdown deadline.');
      for (const slot of this.slots) slot.kill('SIGKILL');
    });
    void this.allExited.promise.then(cancelDeadline);
    this.resolveWhenEmpty();
  }

  private handleListening(slot: WorkerSlot, report: Listening): void {
    if (this.isGreeted) slot.confirmGreeting();
    if (!this.starting.delete(slot)) return;
    this.greetings.push(report);
    this.settleStart();
  }

  private handleExit(slot: WorkerSlot, exit: ExitedWorker): void {
    if (this.isStopping) {
      // A worker that is stopped before it listens has no signal handlers yet and dies of the signal.
      if (exit.code !== 0 && exit.signal !== 'SIGTERM' && exit.signal !== 'SIGINT') this.exitCode = 1;
      return this.resolveWhenEmpty();
    }
    if (this.starting.delete(slot) || this.starting.size > 0) {
      this.earlyExits.push([slot, exit]);
      return this.settleStart();
    }
    this.replace(slot, exit);
  }

  private settleStart(): void {
    if (this.starting.size > 0) return;
    const [first] = this.greetings;
    const exited = this.earlyExits.splice(0);
    if (first === undefined) {
      const reasons = exited.map(
        ([, exit]) => exit.fault ?? `A worker exited before it listened (${describeExit(exit)}).`,
      );
      return this.started.reject(new ClusterFault([...new Set(reasons)].join('\n')));
    }
    for (const [slot, exit] of exited) this.replace(slot, exit);
    this.started.resolve((this.greetings.find(({ isFirst }) => isFirst) ?? first).greeting);
  }

  private replace(slot: WorkerSlot, exit: ExitedWorker): void {
    const delayMs = slot.restart();
    const when = delayMs === 0 ? 'at once' : `in ${delayMs / 1_000} s`;
    const reason = exit.fault === undefined ? '' : ` ${exit.fault}`;
    this.logger.warn(`Worker ${exit.pid} ended (${describeExit(exit)}); starting a replacement ${when}.${reason}`);
  }

  private resolveWhenEmpty(): void {
    if (this.slots.every((slot) => !slot.isOccupied)) this.allExited.resolve(this.exitCode);
  }
}

const describeExit = ({ code, signal }: WorkerExit): string => signal ?? `exit code ${code}`;
