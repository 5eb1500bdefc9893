import { IsIn, IsInt, Max, Min } from 'class-validator';
import { Env } from '#lib/config';

/** Parts of a worker that readiness probes check. */
const PARTS = ['redis', 'database', 'subscriptions', 'event-loop', 'audit'];

/** How the gateway reports that it accepts work, and how it shuts down. */
export class LifecycleConfig {
  /**
   * How long the gateway still accepts requests after a shutdown signal while `/health/ready` answers 503. Use more
   * time than the load balancer needs to detect the 503.
   */
  @Env('ISTHMUS_DRAIN_GRACE', { as: 'duration' })
  @IsInt()
  @Min(0)
  @Max(15_000)
  readonly drainGraceMs: number = 0;

  /**
   * Parts without which `/health/ready` answers 503, separated by commas: `redis`, `database`, `subscriptions`, `event-loop`,
   * `audit`. The other ones are only named. All workers share Redis and the database: requiring these takes every worker out of
   * the load balancer at once, although most calls would still be served.
   */
  @Env('ISTHMUS_READY_REQUIRES')
  @IsIn(PARTS, { each: true, message: `requiredParts must be among ${PARTS.join(', ')}` })
  readonly requiredParts: readonly string[] = ['subscriptions', 'event-loop'];

  /** Mean delay of the event loop beyond which the part `event-loop` of a worker does not work. */
  @Env('ISTHMUS_READY_MAX_DELAY', { as: 'duration' })
  @IsInt()
  @Min(50)
  @Max(60_000)
  readonly maxEventLoopDelayMs: number = 1_000;
}
