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

  /** A pooled upstream session that nobody has used for so long is closed. */
  @Env('ISTHMUS_UPSTREAM_IDLE', { as: 'duration' })
  @IsInt()
  @Min(1_000)
  readonly upstreamIdleMs: number = 5 * 60_000;

  /** Child processes that one server runs as at a time: one for each principal and set of declared capabilities. */
  @Env('ISTHMUS_MAX_CHILD_PROCESSES')
  @IsInt()
  @Min(1)
  readonly maxChildProcesses: number = 64;

  /**
   * Sessions at one legacy server that this worker has for one principal's clients without a session of their own here.
   * Each set of declared capabilities needs one; anonymous clients, who count as one principal, need one for each call: where
   * many use a server, let them share (`shared: true`), or allow more. At the bound a call is refused with 429 unless an
   * idle one can make room.
   */
  @Env('ISTHMUS_MAX_UPSTREAM_SESSIONS_PER_PRINCIPAL')
  @IsInt()
  @Min(1)
  readonly maxUpstreamSessionsPerPrincipal: number = 32;

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

  /** How long a client may take to answer a question that a server asks in the middle of a call. */
  @Env('ISTHMUS_QUESTION_TIMEOUT', { as: 'duration' })
  @IsInt()
  @Min(1_000)
  readonly questionTimeoutMs: number = 5 * 60_000;

  /** How often a server may ask again within one call before the call is given up. */
  @Env('ISTHMUS_MAX_QUESTION_ROUNDS')
  @IsInt()
  @Min(1)
  readonly maxQuestionRounds: number = 16;
}
