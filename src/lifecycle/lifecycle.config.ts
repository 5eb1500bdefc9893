import { IsInt, Max, Min } from 'class-validator';
import { Env } from '#lib/config';

/** How the gateway shuts down. */
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
}
