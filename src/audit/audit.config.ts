import { ArrayMaxSize, ArrayUnique, IsIn, IsInt, Max, Min } from 'class-validator';
import { Env, type CombinationRules } from '#lib/config';
import { isStream, STREAM_FORMS } from './sinks/stream-target.js';

const HOUR_MS = 3_600_000;
const MAX_STREAMS = 4;

/** What is an audit record, where records are sent, how many are kept, and for how long. */
export class AuditConfig implements CombinationRules {
  /**
   * Which uses of items of servers (calls of tools, prompts, resources) are audit records: `none`, `refused` by the gateway, or
   * `all`. A server's entry may say otherwise (`audit`). A call that a policy denies is a record in any case.
   */
  @Env('ISTHMUS_AUDIT_CALLS')
  @IsIn(['none', 'refused', 'all'])
  readonly calls: 'none' | 'refused' | 'all' = 'refused';

  /**
   * Streams that receive every audit record besides the database, one JSON object a line or message: `stdout:`,
   * `file:///path/audit.jsonl`, and syslog (RFC 5424) as `syslog+udp://host:514`, `syslog+tcp://host:601`,
   * `syslog+tls://host:6514` or `syslog+unix:///path`. At most 4.
   */
  @Env('ISTHMUS_AUDIT_STREAMS')
  @ArrayMaxSize(MAX_STREAMS)
  @ArrayUnique()
  readonly streams: readonly string[] = [];

  /** Maximum number of audit records that wait for the database or a stream while it is down. */
  @Env('ISTHMUS_AUDIT_BUFFER')
  @IsInt()
  @Min(1_000)
  @Max(1_000_000)
  readonly buffer: number = 10_000;

  /**
   * What happens when `ISTHMUS_AUDIT_BUFFER` records wait: `discard-oldest` discards the oldest ones, counts them and records that
   * they are missing; `refuse-calls` refuses calls that would be records (503, not executed) until the database or the stream is
   * back.
   */
  @Env('ISTHMUS_AUDIT_WHEN_FULL')
  @IsIn(['discard-oldest', 'refuse-calls'])
  readonly whenFull: 'discard-oldest' | 'refuse-calls' = 'discard-oldest';

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

  /** Maximum number of audit records of calls that are kept. The oldest ones beyond it are deleted. */
  @Env('ISTHMUS_AUDIT_MAX_CALLS')
  @IsInt()
  @Min(1_000)
  readonly maxCalls: number = 1_000_000;

  /**
   * Maximum number of audit records of refused requests that are kept: of callers with a valid token, and again of requests
   * without one. The oldest ones beyond it are deleted. Refusals do not displace records of changes.
   */
  @Env('ISTHMUS_AUDIT_MAX_REFUSALS')
  @IsInt()
  @Min(100)
  readonly maxRefusals: number = 100_000;

  combinationFaults(): readonly string[] {
    const invalid = this.streams.filter((stream) => !isStream(stream));
    return invalid.map((stream) => `ISTHMUS_AUDIT_STREAMS: ${stream} must have one of the forms ${STREAM_FORMS}.`);
  }
}
