import { IsArray, IsInt, Max, Min, ValidateBy } from 'class-validator';
import { Env } from '#lib/config';
import { isNetwork } from './channels/guard/index.js';

/** How connections to servers are bounded. */
export class UpstreamConfig {
  /** Calls that may run at one HTTP server at a time, each on a TCP connection of its own; more of them wait. */
  @Env('ISTHMUS_UPSTREAM_CONNECTIONS')
  @IsInt()
  @Min(1)
  @Max(65_535)
  readonly connections: number = 128;

  /** Calls that may run or wait at one HTTP server. More are refused as overload. */
  @Env('ISTHMUS_UPSTREAM_CALLS')
  @IsInt()
  @Min(1)
  readonly calls: number = 2_048;

  /** Largest answer that is taken from a server: a body, an event of a stream, or a line of a child process. */
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

  /**
   * Networks that servers may be in which were made over the admin API, beside public ones: `10.1.0.0/16`, `fd00::/8`.
   * Servers of the configuration file may be anywhere.
   */
  @Env('ISTHMUS_ALLOWED_NETWORKS')
  @IsArray()
  @ValidateBy(
    { name: 'isNetwork', validator: { validate: isNetwork } },
    { each: true, message: 'each must be a network in CIDR notation, such as 10.1.0.0/16' },
  )
  readonly allowedNetworks: readonly string[] = [];
}
