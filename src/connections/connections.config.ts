import { IsInt, Min } from 'class-validator';
import { Env } from '#lib/config';

/** Limits of the connections to servers that one worker holds. */
export class ConnectionsConfig {
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
}
