import { Injectable, Logger } from '@nestjs/common';
import { Clock } from '#lib/time';
import { LifecycleConfig } from './lifecycle.config.js';
import { Readiness } from './readiness.js';

/** Timeout of all steps together; after it the worker continues to shut down without waiting for them. */
const STEPS_TIMEOUT_MS = 10_000;

/** Work of a module while the worker drains and still listens, such as handing off sessions or writing a tombstone. */
export interface DrainStep {
  /** Name for the log, such as `Session handoff`. */
  readonly name: string;
  run(): Promise<void>;
}

/** Drains a worker: everything between the decision to stop and the end of listening. */
@Injectable()
export class Drain {
  private readonly logger = new Logger('Gateway');
  private readonly steps: DrainStep[] = [];
  private draining: Promise<void> | undefined;
  private requestListener: (() => void) | undefined;

  constructor(
    private readonly readiness: Readiness,
    private readonly config: LifecycleConfig,
    private readonly clock: Clock,
  ) {}

  get isDraining(): boolean {
    return this.readiness.isDraining;
  }

  /** Registers how the process stops this worker when a drain is requested from within. */
  onRequested(listener: () => void): void {
    this.requestListener = listener;
  }

  /** Requests a drain from within, like a signal from outside. Does nothing when no listener is registered. */
  request(): void {
    this.requestListener?.();
  }

  /**
   * Adds a step. Steps run one after the other in the order of registration; a failed step does not stop the others.
   */
  addStep(step: DrainStep): void {
    this.steps.push(step);
  }

  /**
   * Makes readiness probes fail at once. Requests that still arrive are served while the steps run and the grace period
   * lasts. Resolves when the listener may close. Never rejects; later calls return the same promise.
   */
  start(): Promise<void> {
    this.draining ??= this.run();
    return this.draining;
  }

  private async run(): Promise<void> {
    this.readiness.startDraining();
    const done = new AbortController();
    const deadline = this.clock.sleep(STEPS_TIMEOUT_MS, done.signal).then(() => {
      if (done.signal.aborted) return;
      this.logger.warn('The drain steps did not finish in time; the listener closes without waiting for them.');
    });
    const grace = this.clock.sleep(this.config.drainGraceMs);
    await Promise.all([grace, Promise.race([this.runSteps(), deadline])]);
    done.abort();
  }

  private async runSteps(): Promise<void> {
    for (const step of this.steps) {
      try {
        await step.run();
      } catch (cause) {
        this.logger.error(`${step.name} failed while the worker was draining: ${String(cause)}`);
      }
    }
  }
}
