import { IsInt, Min } from 'class-validator';
import { Env } from '#lib/config';

const HOUR_MS = 3_600_000;

/** Usage per principal, team, server and tool. */
export class UsageConfig {
  /** How long the hourly totals of usage are kept. With 0 no usage is recorded. */
  @Env('ISTHMUS_USAGE_RETENTION', { as: 'duration' })
  @IsInt()
  @Min(0)
  readonly retentionMs: number = 90 * 24 * HOUR_MS;
}
