import type { Clock } from '#lib/time';
import type { Alert, Delivery } from './alert.js';
import type { AttemptResult, Webhook } from './webhook.js';

/** Delays before the second and later attempts, each up to a fifth longer. */
const RETRY_DELAYS_MS = [5_000, 30_000, 120_000, 600_000, 1_800_000, 7_200_000];
const JITTER = 0.2;
/** Maximum number of deliveries that run or wait at one worker. Further ones fail at once. */
const MAX_DELIVERIES = 1_000;

/** One alert on its way to one webhook. */
interface Job {
  readonly alert: Alert;
  /** Position of the webhook in the settings. */
  readonly index: number;
  readonly webhook: Pick<Webhook, 'origin' | 'send'>;
  delivery: Delivery;
  cancel: () => void;
}

/** Receives each change of a delivery. */
type DeliveryListener = (alert: Alert, index: number, delivery: Delivery) => void;

/** Delivers alerts in the background, and repeats attempts that fail. What waits is lost when the worker ends. */
export class DeliveryQueue {
  private readonly jobs = new Set<Job>();
  private isClosed = false;

  constructor(
    private readonly webhooks: readonly Pick<Webhook, 'origin' | 'send'>[],
    private readonly clock: Clock,
    private readonly onChange: DeliveryListener,
    private readonly random: () => number = Math.random,
  ) {}

  /** Starts the delivery to every webhook. */
  add(alert: Alert): void {
    this.webhooks.forEach((webhook, index) => {
      const delivery = { webhook: webhook.origin, state: 'pending', attempts: 0 } as const;
      const job: Job = { alert, index, webhook, delivery, cancel: () => undefined };
      if (this.jobs.size >= MAX_DELIVERIES) return this.fail(job, 'Too many alerts wait for their delivery.');
      this.jobs.add(job);
      void this.attempt(job, 1);
    });
  }

  /** Ends the deliveries that are not complete. */
  close(): void {
    this.isClosed = true;
    for (const job of this.jobs) {
      job.cancel();
      this.fail(job, 'The worker ended before the alert was delivered.');
    }
    this.jobs.clear();
  }

  private async attempt(job: Job, attempts: number): Promise<void> {
    const result = await job.webhook.send(job.alert);
    if (this.isClosed) return;
    const delayMs = RETRY_DELAYS_MS[attempts - 1];
    const isOver = result.delivered || result.isFinal || delayMs === undefined;
    job.delivery = toDelivery(job.webhook, result, attempts, isOver, this.clock.now());
    this.onChange(job.alert, job.index, job.delivery);
    if (isOver) return void this.jobs.delete(job);
    job.cancel = this.clock.after(delayMs * (1 + JITTER * this.random()), () => void this.attempt(job, attempts + 1));
  }

  private fail({ alert, index, delivery }: Job, error: string): void {
    this.onChange(alert, index, { ...delivery, state: 'failed', error });
  }
}

/** How a delivery stands after an attempt. */
export function toDelivery(
  { origin }: Pick<Webhook, 'origin'>,
  result: AttemptResult,
  attempts: number,
  isOver: boolean,
  attemptedAt: number,
): Delivery {
  const { status } = result;
  return {
    webhook: origin,
    state: result.delivered ? 'delivered' : isOver ? 'failed' : 'pending',
    attempts,
    attemptedAt,
    ...(status !== undefined && { status }),
    ...(!result.delivered && { error: result.error }),
  };
}
