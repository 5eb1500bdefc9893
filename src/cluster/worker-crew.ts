import { Logger } from '@nestjs/common';
import { ClusterFault } from './cluster.errors.js';
import type { WorkerEnd, WorkerLauncher } from './worker-launcher.js';
import type { WorkerReport } from './worker-report.js';
import { WorkerSlot } from './worker-slot.js';

/** Longer than a worker's own shutdown deadline, shorter than the 30 s after which process managers kill. */
const LEAVING_DEADLINE_MS = 28_000;

type Listening = Extract<WorkerReport, { kind: 'listening' }>;
type Departed = WorkerEnd & { readonly pid: number; readonly fault: string | undefined };

/** Supervises the workers of one gateway: starts them together, replaces those that die, and stops them together. */
export class WorkerCrew {
  private readonly logger = new Logger('Gateway');
  private readonly slots: readonly WorkerSlot[];
  /** Slots whose first start has neither succeeded nor failed yet. */
  private readonly starting: Set<WorkerSlot>;
  /** Exits before all first starts are settled: until then it is not known whether a worker is replaced. */
  private readonly departedEarly: [WorkerSlot, Departed][] = [];
  private readonly greetings: Listening[] = [];
  private readonly started = Promise.withResolvers<string>();
  private readonly over = Promise.withResolvers<number>();
  private isLeaving = false;
  private exitCode = 0;

  constructor(launcher: WorkerLauncher, size: number) {
    const events = {
      onListening: (slot: WorkerSlot, report: Listening) => this.welcome(slot, report),
      onEnd: (slot: WorkerSlot, exit: Departed) => this.seeOff(slot, exit),
    };
    this.slots = Array.from({ length: size }, () => new WorkerSlot(launcher, events));
    this.starting = new Set(this.slots);
  }

  /** Resolves with the exit code once `stop` was called and the last worker has exited. */
  get ended(): Promise<number> {
    return this.over.promise;
  }

  /**
   * Starts all workers. Resolves with one greeting when every first start is settled and at least one worker listens;
   * failed workers are started again.
   * @throws ClusterFault when no worker can start; its message contains each reason once
   */
  start(): Promise<string> {
    for (const slot of this.slots) slot.fill();
    return this.started.promise;
  }

  /** Makes the listening workers reload the configuration. Starting workers read it anyway. */
  reload(): void {
    for (const slot of this.slots) if (slot.isListening) slot.kill('SIGHUP');
  }

  /** Makes every worker drain. Workers that still run at the deadline are killed. */
  leave(): void {
    if (this.isLeaving) return;
    this.isLeaving = true;
    for (const slot of this.slots) {
      slot.abandon();
      slot.kill('SIGTERM');
    }
    const deadline = setTimeout(() => {
      this.logger.warn('Killing the workers that still run at the shutdown deadline.');
      for (const slot of this.slots) slot.kill('SIGKILL');
    }, LEAVING_DEADLINE_MS);
    void this.over.promise.then(() => clearTimeout(deadline));
    this.endWhenEmpty();
  }

  private welcome(slot: WorkerSlot, report: Listening): void {
    if (!this.starting.delete(slot)) return;
    this.greetings.push(report);
    this.judgeStart();
  }

  private seeOff(slot: WorkerSlot, exit: Departed): void {
    if (this.isLeaving) {
      // A worker that is stopped before it listens has no signal handlers yet and dies of the signal.
      if (exit.code !== 0 && exit.signal !== 'SIGTERM' && exit.signal !== 'SIGINT') this.exitCode = 1;
      return this.endWhenEmpty();
    }
    if (this.starting.delete(slot) || this.starting.size > 0) {
      this.departedEarly.push([slot, exit]);
      return this.judgeStart();
    }
    this.replace(slot, exit);
  }

  private judgeStart(): void {
    if (this.starting.size > 0) return;
    const [first] = this.greetings;
    const exited = this.departedEarly.splice(0);
    if (first === undefined) {
      const reasons = exited.map(([, exit]) => exit.fault ?? `A worker exited before it listened (${howOf(exit)}).`);
      return this.started.reject(new ClusterFault([...new Set(reasons)].join('\n')));
    }
    for (const [slot, exit] of exited) this.replace(slot, exit);
    this.started.resolve((this.greetings.find(({ isFirst }) => isFirst) ?? first).greeting);
  }

  private replace(slot: WorkerSlot, exit: Departed): void {
    const pauseMs = slot.refill();
    const when = pauseMs === 0 ? 'at once' : `in ${pauseMs / 1_000} s`;
    const reason = exit.fault === undefined ? '' : ` ${exit.fault}`;
    this.logger.warn(`Worker ${exit.pid} ended (${howOf(exit)}); starting a replacement ${when}.${reason}`);
  }

  private endWhenEmpty(): void {
    if (this.slots.every((slot) => !slot.isFilled)) this.over.resolve(this.exitCode);
  }
}

const howOf = ({ code, signal }: WorkerEnd): string => signal ?? `exit code ${code}`;
