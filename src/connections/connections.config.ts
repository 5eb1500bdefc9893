import { IsInt, Min } from 'class-validator';
import { Env } from '#lib/config';

/** Limits of the connections to servers that one worker holds. */
export class ConnectionsConfig {
  /**
   * Time without use after which a pooled upstream session is closed. A connection to which open sessions are attached
   * stays, but after this time it is closed when a limit of connections is reached and another one is needed.
   */
  @Env('ISTHMUS_UPSTREAM_IDLE', { as: 'duration' })
  @IsInt()
  @Min(1_000)
  readonly upstreamIdleMs: number = 5 * 60_000;

  /**
   * Maximum number of concurrent child processes per server. Each principal and set of declared capabilities needs one
   * process, unless the entry of the server says `isolation: none`. At the limit, a call is refused with 503 unless an
   * idle process can be evicted.
   */
  @Env('ISTHMUS_MAX_CHILD_PROCESSES')
  @IsInt()
  @Min(1)
  readonly maxChildProcesses: number = 64;

  /**
   * Maximum number of child processes, and of upstream sessions for clients that have no session at the gateway, per
   * principal at one server. Each set of declared capabilities needs one. Anonymous clients count as one principal and
   * need one per call: for a server with many anonymous users, set `isolation: none` or raise this limit. At the limit,
   * a call is refused with 429 unless an idle one can be evicted.
   */
  @Env('ISTHMUS_MAX_UPSTREAM_SESSIONS_PER_PRINCIPAL')
  @IsInt()
  @Min(1)
  readonly maxUpstreamSessionsPerPrincipal: number = 32;
}
