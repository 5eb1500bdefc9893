import { IsInt, Max, Min } from 'class-validator';
import { Env } from '#lib/config';

/** Bounds of connections to servers. */
export class UpstreamConfig {
  /** Maximum number of concurrent calls per HTTP server, each on its own TCP connection. Further calls wait. */
  @Env('ISTHMUS_UPSTREAM_CONNECTIONS')
  @IsInt()
  @Min(1)
  @Max(65_535)
  readonly connections: number = 128;

  /** Maximum number of running and waiting calls per HTTP server. Further calls are rejected as overload. */
  @Env('ISTHMUS_UPSTREAM_CALLS')
  @IsInt()
  @Min(1)
  readonly calls: number = 2_048;

  /** Maximum size of one message from a server: a body, an event of a stream, or a line of a child process. */
  @Env('ISTHMUS_UPSTREAM_MAX_MESSAGE', { as: 'size' })
  @IsInt()
  @Min(1_024)
  @Max(512 * 1_048_576)
  readonly maxMessageBytes: number = 16 * 1_048_576;

  /**
   * How long a child process may leave `server/discover` unanswered before it gets `initialize` as well. The first answer
   * decides its era; a process that is still starting has the connect timeout of its server for it.
   */
  @Env('ISTHMUS_UPSTREAM_PROBE_TIMEOUT', { as: 'duration' })
  @IsInt()
  @Min(100)
  readonly probeMs: number = 2_500;
}
