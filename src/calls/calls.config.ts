import { IsInt, Min } from 'class-validator';
import { Env } from '#lib/config';

/** Limits of the calls that one worker runs, and of the parked calls that wait there for answers. */
export class CallsConfig {
  /**
   * Maximum number of parked calls on this worker: calls that wait for answers of a client without an open stream. At
   * the limit, a call whose server sends a question is cancelled.
   */
  @Env('ISTHMUS_MAX_PARKED_CALLS')
  @IsInt()
  @Min(1)
  readonly maxParkedCalls: number = 10_000;

  /**
   * Maximum number of parked calls per principal on this worker. At the limit, a call whose server sends a question is
   * cancelled.
   */
  @Env('ISTHMUS_MAX_PARKED_CALLS_PER_PRINCIPAL')
  @IsInt()
  @Min(1)
  readonly maxParkedCallsPerPrincipal: number = 1_000;

  /** Maximum number of times that a server may request input within one call. At the limit, the call is cancelled. */
  @Env('ISTHMUS_MAX_QUESTION_ROUNDS')
  @IsInt()
  @Min(1)
  readonly maxQuestionRounds: number = 16;
}
