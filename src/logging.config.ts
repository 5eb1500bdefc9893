import { IsIn } from 'class-validator';
import { Env } from '#lib/config';

/** Most severe first. */
export const LEVELS = ['fatal', 'error', 'warn', 'log', 'debug', 'verbose'] as const;
export type Level = (typeof LEVELS)[number];

export class LoggingConfig {
  /** Least severe lines that are logged. */
  @Env('ISTHMUS_LOG_LEVEL')
  @IsIn(LEVELS)
  readonly level: Level = 'log';

  /** `json`: a line is one JSON object. `text`: for a person at a terminal. */
  @Env('ISTHMUS_LOG_FORMAT')
  @IsIn(['json', 'text'])
  readonly format: 'json' | 'text' = 'text';
}
