import { IsInt, Min } from 'class-validator';
import { Env } from '#lib/config';

/** Limits of the calls that one worker runs, and of those that wait there for answers of their clients. */
export class CallsConfig {
  /** Calls on this worker that wait for answers of clients without a stream. At the bound a call that asks is given up. */
  @Env('ISTHMUS_MAX_PARKED_CALLS')
  @IsInt()
  @Min(1)
  readonly maxParkedCalls: number = 10_000;

  /** The same of one principal. */
  @Env('ISTHMUS_MAX_PARKED_CALLS_PER_PRINCIPAL')
  @IsInt()
  @Min(1)
  readonly maxParkedCallsPerPrincipal: number = 1_000;

  /** How often a server may ask again within one call before the call is given up. */
  @Env('ISTHMUS_MAX_QUESTION_ROUNDS')
  @IsInt()
  @Min(1)
  readonly maxQuestionRounds: number = 16;
}
