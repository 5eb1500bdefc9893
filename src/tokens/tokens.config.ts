import { IsInt, Max, Min } from 'class-validator';
import { Env } from '#lib/config';

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

/** Bounds of personal access tokens. */
export class TokensConfig {
  /** Maximum lifetime of a personal access token. It also ends tokens that were created under a higher maximum. */
  @Env('ISTHMUS_ACCESS_TOKEN_MAX_LIFETIME', { as: 'duration' })
  @IsInt()
  @Min(MINUTE_MS)
  @Max(3_660 * DAY_MS)
  readonly maxLifetimeMs: number = 365 * DAY_MS;

  /**
   * Maximum lifetime of a personal access token with the role `admin`, `operator` or `auditor`. The token keeps these roles when
   * the identity provider withdraws them from its subject. It also ends tokens that were created under a higher maximum.
   */
  @Env('ISTHMUS_ELEVATED_ACCESS_TOKEN_MAX_LIFETIME', { as: 'duration' })
  @IsInt()
  @Min(MINUTE_MS)
  @Max(3_660 * DAY_MS)
  readonly elevatedMaxLifetimeMs: number = 30 * DAY_MS;

  /** Maximum number of personal access tokens per subject. */
  @Env('ISTHMUS_ACCESS_TOKENS_PER_SUBJECT')
  @IsInt()
  @Min(1)
  @Max(10_000)
  readonly maxPerSubject: number = 50;
}
