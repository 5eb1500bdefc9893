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

  /** Format of the log. `json` writes one JSON object per line; `text` is meant for reading at a terminal. */
  @Env('ISTHMUS_LOG_FORMAT')
  @IsIn(['json', 'text'])
  readonly format: 'json' | 'text' = 'text';
}
