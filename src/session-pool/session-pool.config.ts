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

  /** Time without a request, stream or call after which a session is ended. */
  @Env('ISTHMUS_SESSION_IDLE', { as: 'duration' })
  @IsInt()
  @Min(1_000)
  readonly sessionIdleMs: number = 30 * 60_000;

  /** Time without use after which a pooled upstream session is closed. */
  @Env('ISTHMUS_UPSTREAM_IDLE', { as: 'duration' })
  @IsInt()
  @Min(1_000)
  readonly upstreamIdleMs: number = 5 * 60_000;

  /**
   * Maximum number of concurrent child processes per server. Each principal and set of declared capabilities needs one
   * process.
   */
  @Env('ISTHMUS_MAX_CHILD_PROCESSES')
  @IsInt()
  @Min(1)
  readonly maxChildProcesses: number = 64;

  /**
   * Maximum number of sessions per principal at one legacy server, for clients that have no session at the gateway.
   * Each set of declared capabilities needs one session. Anonymous clients count as one principal and need one session
   * per call: for a server with many anonymous users, set `shared: true` or raise this limit. At the limit, a call is
   * refused with 429 unless an idle session can be evicted.
   */
  @Env('ISTHMUS_MAX_UPSTREAM_SESSIONS_PER_PRINCIPAL')
  @IsInt()
  @Min(1)
  readonly maxUpstreamSessionsPerPrincipal: number = 32;

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

  /** Time that a client may take to answer a question that a server sends during a call. */
  @Env('ISTHMUS_QUESTION_TIMEOUT', { as: 'duration' })
  @IsInt()
  @Min(1_000)
  readonly questionTimeoutMs: number = 5 * 60_000;

  /** Maximum number of times that a server may request input within one call. At the limit, the call is cancelled. */
  @Env('ISTHMUS_MAX_QUESTION_ROUNDS')
  @IsInt()
  @Min(1)
  readonly maxQuestionRounds: number = 16;
}
