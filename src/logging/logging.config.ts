import { IsIn } from 'class-validator';
import { Env } from '#lib/config';

/** Most severe first. */
export const LEVELS = ['fatal', 'error', 'warn', 'log', 'debug', 'verbose'] as const;
export type Level = (typeof LEVELS)[number];

/** Severity and format of the log. */
export class LoggingConfig {
  /** Minimum severity of logged lines. */
  @Env('ISTHMUS_LOG_LEVEL')
  @IsIn(LEVELS)
  readonly level: Level = 'log';

  /**
   * Format of the log. `json` writes one JSON object per line; `text` is meant for reading at a terminal; `auto` is `text` at a
   * terminal and `json` elsewhere.
   */
  @Env('ISTHMUS_LOG_FORMAT')
  @IsIn(['auto', 'json', 'text'])
  readonly format: 'auto' | 'json' | 'text' = 'auto';
}
