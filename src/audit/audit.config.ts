import { IsInt, Min } from 'class-validator';
import { Env } from '#lib/config';

const HOUR_MS = 3_600_000;

/** How long it is known what was done over the admin API. */
export class AuditConfig {
  /** Records older than this are deleted. */
  @Env('ISTHMUS_AUDIT_RETENTION', { as: 'duration' })
  @IsInt()
  @Min(HOUR_MS)
  readonly retentionMs: number = 90 * 24 * HOUR_MS;

  /** Most records that are kept; of more, the oldest are deleted. */
  @Env('ISTHMUS_AUDIT_MAX_RECORDS')
  @IsInt()
  @Min(1_000)
  readonly maxRecords: number = 1_000_000;
}
