import { Injectable, Logger } from '@nestjs/common';
import { GatewayConfig } from '../gateway.config.js';
import { Readiness } from '../health/index.js';

/** So long all steps together may take; then the worker goes on leaving without waiting for them. */
const STEPS_TIMEOUT_MS = 10_000;

/** What a module does while the worker leaves and is still reachable: hand its sessions over, write its tombstone. */
export interface DrainStep {
  /** For the log: `The hand-over of sessions`. */
  readonly name: string;
  run(): Promise<void>;
}

/** The order in which a worker leaves, up to the moment in which it stops listening. */
@Injectable()
export class Drain {
  private readonly logger = new Logger('Gateway');
  private readonly steps: DrainStep[] = [];
  private draining: Promise<void> | undefined;
  private requestListener: (() => void) | undefined;

  constructor(
    private readonly readiness: Readiness,
    private readonly config: GatewayConfig,
  ) {}

  /** Whoever runs this worker makes it leave when it is asked for from within. */
  onRequested(leave: () => void): void {
    this.requestListener = leave;
  }

  /** Asks for this worker to leave, as a signal from outside does. Nothing happens where nobody runs it. */
  request(): void {
    this.requestListener?.();
  }

  /** Adds a step. Steps run one after the other, in the order in which they were added; one that fails stops no other. */
  addStep(step: DrainStep): void {
    this.steps.push(step);
  }

  /**
   * Load balancers are told at once; what still arrives is served while steps run and the grace lasts. Resolves when the
   * listener may close. Never rejects; later calls get the same promise.
   */
  start(): Promise<void> {
    this.draining ??= this.run();
    return this.draining;
  }

  private async run(): Promise<void> {
    this.readiness.startDraining();
    const deadline = startTimer(STEPS_TIMEOUT_MS, () => {
      this.logger.warn('What is done before the listener closes takes too long; it closes all the same.');
    });
    const grace = startTimer(this.config.drainGraceMs);
    await Promise.all([grace.over, Promise.race([this.runSteps(), deadline.over])]);
    deadline.cancel();
  }

  private async runSteps(): Promise<void> {
    for (const step of this.steps) {
      try {
        await step.run();
      } catch (cause) {
        this.logger.error(`${step.name} failed while leaving: ${String(cause)}`);
      }
    }
  }
}

function startTimer(milliseconds: number, onOver?: () => void): { readonly over: Promise<void>; cancel(): void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(() => {
    onOver?.();
    resolve();
  }, milliseconds);
  return { over: promise, cancel: () => clearTimeout(timer) };
}
