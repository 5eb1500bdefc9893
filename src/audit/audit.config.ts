import { IsInt, Min } from 'class-validator';
import { Env } from '#lib/config';

const HOUR_MS = 3_600_000;

/** How many audit records are kept, and for how long. */
export class AuditConfig {
  /** How long audit records are kept. Older records are deleted. */
  @Env('ISTHMUS_AUDIT_RETENTION', { as: 'duration' })
  @IsInt()
  @Min(HOUR_MS)
  readonly retentionMs: number = 90 * 24 * HOUR_MS;

  /** Maximum number of audit records of changes and failures that are kept. The oldest ones beyond it are deleted. */
  @Env('ISTHMUS_AUDIT_MAX_RECORDS')
  @IsInt()
  @Min(1_000)
  readonly maxRecords: number = 1_000_000;

  /**
   * Maximum number of audit records of refused requests that are kept: of callers with a valid token, and again of requests
   * without one. The oldest ones beyond it are deleted. Refusals do not displace records of changes.
   */
  @Env('ISTHMUS_AUDIT_MAX_REFUSALS')
  @IsInt()
  @Min(100)
  readonly maxRefusals: number = 100_000;
}
