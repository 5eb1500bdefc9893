import { IsInt, Min } from 'class-validator';
import { Env } from '#lib/config';

/** Limits of what one worker keeps alive for its clients. */
export class SessionPoolConfig {
  /** Live sessions on this worker. At the bound new ones are refused with 503. */
  @Env('ISTHMUS_MAX_SESSIONS')
  @IsInt()
  @Min(1)
  readonly maxSessions: number = 50_000;

  /** Live sessions of one principal on this worker. At the bound new ones are refused with 429. */
  @Env('ISTHMUS_MAX_SESSIONS_PER_PRINCIPAL')
  @IsInt()
  @Min(1)
  readonly maxSessionsPerPrincipal: number = 25_000;

  /** A session that no request, stream or call has touched for so long is ended. */
  @Env('ISTHMUS_SESSION_IDLE', { as: 'duration' })
  @IsInt()
  @Min(1_000)
  readonly sessionIdleMs: number = 30 * 60_000;

  /** Calls in flight of one session. */
  @Env('ISTHMUS_MAX_CALLS_PER_SESSION')
  @IsInt()
  @Min(1)
  readonly maxCallsPerSession: number = 256;

  /** Events that a session keeps for clients that resume a stream. */
  @Env('ISTHMUS_REPLAY_EVENTS')
  @IsInt()
  @Min(1)
  readonly replayEvents: number = 512;

  /** Bytes that a session keeps for clients that resume a stream. */
  @Env('ISTHMUS_REPLAY_BYTES', { as: 'size' })
  @IsInt()
  @Min(1_024)
  readonly replayBytes: number = 4 * 1024 * 1024;

  /** How long a client may take to answer a question that a server asks in the middle of a call. */
  @Env('ISTHMUS_QUESTION_TIMEOUT', { as: 'duration' })
  @IsInt()
  @Min(1_000)
  readonly questionTimeoutMs: number = 5 * 60_000;
}
