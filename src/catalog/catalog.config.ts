import { IsInt, Min } from 'class-validator';
import { Env } from '#lib/config';

export class CatalogConfig {
  /**
   * Maximum size of the list cache of each worker, measured as JSON. It stores lists for as long as their servers allow, so that
   * many clients cost a server one request. `0B` disables it.
   */
  @Env('ISTHMUS_LIST_CACHE', { as: 'size' })
  @IsInt()
  @Min(0)
  readonly listCacheBytes: number = 32 * 1_048_576;
}
