import { IsInt, Min } from 'class-validator';
import { Env } from '#lib/config';

export class DispatchConfig {
  /** How long a list that is put together from several servers waits for the slowest of them. */
  @Env('ISTHMUS_LIST_PATIENCE', { as: 'duration' })
  @IsInt()
  @Min(50)
  readonly listTimeoutMs: number = 3_000;

  /** Items of one page of a list that is put together from several servers. */
  @Env('ISTHMUS_LIST_PAGE_SIZE')
  @IsInt()
  @Min(1)
  readonly listPageSize: number = 1_000;
}
