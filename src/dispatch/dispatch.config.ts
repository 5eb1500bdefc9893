import { IsInt, Min } from 'class-validator';
import { Env } from '#lib/config';

export class DispatchConfig {
  /**
   * Maximum size of the list cache of each worker, measured as JSON. It stores lists for as long as their servers allow, so that
   * many clients cost a server one request. `0B` disables it.
   */
  @Env('ISTHMUS_LIST_CACHE', { as: 'size' })
  @IsInt()
  @Min(0)
  readonly listCacheBytes: number = 32 * 1_048_576;

  /** Maximum time that an aggregated list, handshake or subscription waits for its slowest server, as a duration. */
  @Env('ISTHMUS_LIST_PATIENCE', { as: 'duration' })
  @IsInt()
  @Min(50)
  readonly listTimeoutMs: number = 3_000;

  /** Maximum number of items on one page of an aggregated list. */
  @Env('ISTHMUS_LIST_PAGE_SIZE')
  @IsInt()
  @Min(1)
  readonly listPageSize: number = 1_000;
}
