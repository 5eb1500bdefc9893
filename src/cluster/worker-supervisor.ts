import { Logger } from '@nestjs/common';
import { ClusterFault } from './cluster.errors.js';
import type { WorkerExit, WorkerLauncher } from './worker-launcher.js';
import type { WorkerReport } from './worker-report.js';
import { WorkerSlot } from './worker-slot.js';

/** Longer than a worker's own deadline, shorter than the half minute that process managers wait. */
const STOP_TIMEOUT_MS = 28_000;

type Listening = Extract<WorkerReport, { kind: 'listening' }>;
type ExitedWorker = WorkerExit & { readonly pid: number; readonly fault: string | undefined };

/** The workers of one gateway: started together, replaced when they die, ended together. */
export class WorkerSupervisor {
  private readonly logger = new Logger('Gateway');
  private readonly slots: readonly WorkerSlot[];
  /** Places whose first start has not yet ended, well or badly. */
  private readonly starting: Set<WorkerSlot>;
  /** Ends that came before all first starts had ended: whether anybody is replaced is not known yet. */
  private readonly earlyExits: [WorkerSlot, ExitedWorker][] = [];
  private readonly greetings: Listening[] = [];
  private readonly started = Promise.withResolvers<string>();
  private readonly allExited = Promise.withResolvers<number>();
  private isStopping = false;
  private exitCode = 0;

  constructor(launcher: WorkerLauncher, size: number) {
    const events = {
      onListening: (slot: WorkerSlot, report: Listening) => this.handleListening(slot, report),
      onExit: (slot: WorkerSlot, end: ExitedWorker) => this.handleExit(slot, end),
    };
    this.slots = Array.from({ length: size }, () => new WorkerSlot(launcher, events));
    this.starting = new Set(this.slots);
  }

  /** Resolves with the exit code once the crew was told to leave and the last worker has ended. */
  get stopped(): Promise<number> {
    return this.allExited.promise;
  }

  /**
   * Starts all workers. Resolves with one greeting when each start has ended and at least one worker listens; those that
   * failed are tried again. @throws ClusterFault when no worker can start: each reason once
   */
  start(): Promise<string> {
    for (const slot of this.slots) slot.start();
    return this.started.promise;
  }

  /** Tells the workers to read the configuration again. Those that are starting read it anyway. */
  reload(): void {
    for (const slot of this.slots) if (slot.isListening) slot.kill('SIGHUP');
  }

  /** Lets every worker finish what it does. What is still there at the deadline is killed. */
  stop(): void {
    if (this.isStopping) return;
    this.isStopping = true;
    for (const slot of this.slots) {
      slot.cancelRestart();
      slot.kill('SIGTERM');
    }
    const deadline = setTimeout(() => {
      this.logger.warn('Workers are still there at the deadline; they are killed.');
      for (const slot of this.slots) slot.kill('SIGKILL');
    }, STOP_TIMEOUT_MS);
    void this.allExited.promise.then(() => clearTimeout(deadline));
    this.resolveWhenEmpty();
  }

  private handleListening(slot: WorkerSlot, report: Listening): void {
    if (!this.starting.delete(slot)) return;
    this.greetings.push(report);
    this.settleStart();
  }

  private handleExit(slot: WorkerSlot, end: ExitedWorker): void {
    if (this.isStopping) {
      // A worker that was told to leave before it could listen has no ear for signals yet, and dies of them.
      if (end.code !== 0 && end.signal !== 'SIGTERM' && end.signal !== 'SIGINT') this.exitCode = 1;
      return this.resolveWhenEmpty();
    }
    if (this.starting.delete(slot) || this.starting.size > 0) {
      this.earlyExits.push([slot, end]);
      return this.settleStart();
    }
    this.replace(slot, end);
  }

  private settleStart(): void {
    if (this.starting.size > 0) return;
    const [any] = this.greetings;
    const departed = this.earlyExits.splice(0);
    if (any === undefined) {
      const reasons = departed.map(
        ([, end]) => end.fault ?? `A worker ended before it listened (${describeExit(end)}).`,
      );
      return this.started.reject(new ClusterFault([...new Set(reasons)].join('\n')));
    }
    for (const [slot, end] of departed) this.replace(slot, end);
    this.started.resolve((this.greetings.find(({ isFirst }) => isFirst) ?? any).greeting);
  }

  private replace(slot: WorkerSlot, end: ExitedWorker): void {
    const pauseMs = slot.restart();
    const when = pauseMs === 0 ? 'at once' : `in ${pauseMs / 1_000} s`;
    const reason = end.fault === undefined ? '' : ` ${end.fault}`;
    this.logger.warn(`Worker ${end.pid} ended (${describeExit(end)}); another takes its place ${when}.${reason}`);
  }

  private resolveWhenEmpty(): void {
    if (this.slots.every((slot) => !slot.isOccupied)) this.allExited.resolve(this.exitCode);
  }
}

const describeExit = ({ code, signal }: WorkerExit): string => signal ?? `exit code ${code}`;
