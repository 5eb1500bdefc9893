import { Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { formatDuration } from '#lib/config';
import { Clock, withDeadline } from '#lib/time';
import { WorkerBusServer } from '#lib/worker-bus';
import { Coordination } from '../coordination/index.js';
import { Database } from '../database/index.js';
import { EventLoopDelay, LifecycleConfig, Readiness } from '../lifecycle/index.js';

/** Probes need no token: however many arrive, the database is asked once in this time. */
const DATABASE_INTERVAL_MS = 1_000;
const DATABASE_TIMEOUT_MS = 1_000;
/** How long a probe waits for the database if it is unknown whether it answers. Many probes have a timeout of a second. */
const FIRST_CHECK_TIMEOUT_MS = 250;
/** What was found earlier than that says nothing about now. */
const FINDING_TTL_MS = 60_000;
/** A subscription that is renewed within this time was not lost. */
const SUBSCRIPTION_GRACE_MS = 5_000;

const NO_ANSWER = 'The database does not answer.';

interface Finding {
  /** Monotonic milliseconds. */
  readonly checkedAt: number;
  readonly fault: string | undefined;
}

/** What readiness probes check of this worker. */
@Injectable()
export class ReadinessChecks implements OnApplicationBootstrap {
  private databaseFinding: Finding = { checkedAt: Number.NEGATIVE_INFINITY, fault: undefined };
  private databaseCheck: Promise<string | undefined> | undefined;
  private unsubscribedSince: number | undefined;

  constructor(
    private readonly readiness: Readiness,
    private readonly config: LifecycleConfig,
    private readonly coordination: Coordination,
    private readonly database: Database,
    private readonly bus: WorkerBusServer,
    private readonly delay: EventLoopDelay,
    private readonly clock: Clock,
  ) {}

  onApplicationBootstrap(): void {
    const { redis } = this.coordination;
    if (redis) {
      this.readiness.addPart('redis', () => (redis.commands.isReady ? undefined : 'Redis is not connected.'));
      this.readiness.addPart('subscriptions', () => this.checkSubscription(redis.commands.isReady));
    }
    this.readiness.addPart('database', () => this.checkDatabase());
    this.readiness.addPart('event-loop', () => this.checkEventLoop());
  }

  /** Without Redis every worker has lost its subscription, and Redis is the part to name. */
  private checkSubscription(isRedisReady: boolean): string | undefined {
    const isLost = isRedisReady && this.bus.node.membership.state !== 'ready';
    const now = this.clock.monotonicNow();
    this.unsubscribedSince = isLost ? (this.unsubscribedSince ?? now) : undefined;
    const isOver = this.unsubscribedSince !== undefined && now - this.unsubscribedSince >= SUBSCRIPTION_GRACE_MS;
    return isOver ? 'The worker receives no requests of other workers, although Redis is connected.' : undefined;
  }

  private checkEventLoop(): string | undefined {
    const delayMs = this.delay.readMeanMs();
    if (delayMs <= this.config.maxEventLoopDelayMs) return undefined;
    return `The event loop is delayed by ${formatDuration(delayMs)} on average.`;
  }

  /** A database that hangs must not delay probes: they name what the last check found, and start the next one. */
  private async checkDatabase(): Promise<string | undefined> {
    const { checkedAt, fault } = this.databaseFinding;
    const ageMs = this.clock.monotonicNow() - checkedAt;
    if (ageMs >= DATABASE_INTERVAL_MS) this.databaseCheck ??= this.queryDatabase();
    return ageMs < FINDING_TTL_MS ? fault : this.untilChecked();
  }

  private untilChecked(): Promise<string | undefined> {
    return withDeadline(this.clock, FIRST_CHECK_TIMEOUT_MS, Promise.resolve(this.databaseCheck), () => NO_ANSWER);
  }

  private async queryDatabase(): Promise<string | undefined> {
    const fault = (await this.database.isAnswering(DATABASE_TIMEOUT_MS)) ? undefined : NO_ANSWER;
    this.databaseFinding = { checkedAt: this.clock.monotonicNow(), fault };
    this.databaseCheck = undefined;
    return fault;
  }
}
