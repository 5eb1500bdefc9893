import { IsInt, Min } from 'class-validator';
import { Env } from '#lib/config';

/** Limits of the sessions, connections and calls that one worker holds for its clients. */
export class SessionPoolConfig {
  /** Maximum number of live sessions on this worker. At the limit, new sessions are refused with 503. */
  @Env('ISTHMUS_MAX_SESSIONS')
  @IsInt()
  @Min(1)
  readonly maxSessions: number = 50_000;

  /** Maximum number of live sessions per principal on this worker. At the limit, new sessions are refused with 429. */
  @Env('ISTHMUS_MAX_SESSIONS_PER_PRINCIPAL')
  @IsInt()
  @Min(1)
  readonly maxSessionsPerPrincipal: number = 25_000;

  /**
   * Maximum number of bytes of capabilities and client information that the live sessions of one principal declare on
   * this worker. Anonymous clients count as one principal. At the limit, new sessions are refused with 429.
   */
  @Env('ISTHMUS_MAX_DECLARED_PER_PRINCIPAL', { as: 'size' })
  @IsInt()
  @Min(65_536)
  readonly maxDeclaredBytesPerPrincipal: number = 32 * 1024 * 1024;

  /** Time without a request, stream or call after which a session is ended. */
  @Env('ISTHMUS_SESSION_IDLE', { as: 'duration' })
  @IsInt()
  @Min(1_000)
  readonly sessionIdleMs: number = 30 * 60_000;

  /** Maximum number of in-flight calls per session. At the limit, a call is refused with 429. */
  @Env('ISTHMUS_MAX_CALLS_PER_SESSION')
  @IsInt()
  @Min(1)
  readonly maxCallsPerSession: number = 256;

  /** Maximum number of events that a session stores for clients that resume a stream. */
  @Env('ISTHMUS_REPLAY_EVENTS')
  @IsInt()
  @Min(1)
  readonly replayEvents: number = 512;

  /** Maximum number of bytes of events that a session stores for clients that resume a stream. */
  @Env('ISTHMUS_REPLAY_BYTES', { as: 'size' })
  @IsInt()
  @Min(1_024)
  readonly replayBytes: number = 4 * 1024 * 1024;

  /** Time that a client may take to answer a question that a server sends during a call. */
  @Env('ISTHMUS_QUESTION_TIMEOUT', { as: 'duration' })
  @IsInt()
  @Min(1_000)
  readonly questionTimeoutMs: number = 5 * 60_000;
}
