import { IsInt, Min } from 'class-validator';
import { Env } from '#lib/config';

export class CatalogConfig {
  /**
   * Lists that are remembered for as long as their servers allow, so that many clients cost a server one request.
   * Measured as JSON; `0B` remembers none.
   */
  @Env('ISTHMUS_LIST_CACHE', { as: 'size' })
  @IsInt()
  @Min(0)
  readonly listCacheBytes: number = 32 * 1_048_576;
}
