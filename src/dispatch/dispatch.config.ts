import { IsInt, Min } from 'class-validator';
import { Env } from '#lib/config';

export class DispatchConfig {
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
