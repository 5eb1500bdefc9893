import { IsInt, Max, Min, ValidateIf } from 'class-validator';
import { Env } from '#lib/config';

/** Background health checks of servers. */
export class ServerChecksConfig {
  /**
   * Time between two health checks of a server: at least 1s, or 0s for none. The entry of a server may set another one
   * (`healthInterval`). One worker of an installation checks a server.
   */
  @Env('ISTHMUS_HEALTH_INTERVAL', { as: 'duration' })
  @ValidateIf(({ intervalMs }: ServerChecksConfig) => intervalMs !== 0)
  @IsInt()
  @Min(1_000)
  @Max(86_400_000)
  readonly intervalMs: number = 30_000;

  /** Time that a server has for the answer to a health check. */
  @Env('ISTHMUS_HEALTH_TIMEOUT', { as: 'duration' })
  @IsInt()
  @Min(100)
  @Max(60_000)
  readonly timeoutMs: number = 5_000;

  /** Number of consecutive failed health checks after which a server is reported as down. */
  @Env('ISTHMUS_HEALTH_DOWN_AFTER')
  @IsInt()
  @Min(1)
  @Max(100)
  readonly downAfter: number = 3;

  /** Number of consecutive successful health checks after which a server that was down is reported as recovered. */
  @Env('ISTHMUS_HEALTH_UP_AFTER')
  @IsInt()
  @Min(1)
  @Max(100)
  readonly upAfter: number = 2;
}
