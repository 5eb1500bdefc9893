import { IsArray, IsInt, Max, Min, ValidateBy } from 'class-validator';
import { Env } from '#lib/config';
import { isNetwork } from './channels/guard/index.js';

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

  /** How long a child process may stay silent to a probe before it counts as one of the legacy era, unless it is still
   * starting: for that it may take its time to connect. */
  @Env('ISTHMUS_UPSTREAM_PROBE_TIMEOUT', { as: 'duration' })
  @IsInt()
  @Min(100)
  readonly probeMs: number = 2_500;

  /**
   * Networks, in addition to public addresses, in which servers created over the admin API may be: `10.1.0.0/16`,
   * `fd00::/8`. Servers of the configuration file may have any address.
   */
  @Env('ISTHMUS_ALLOWED_NETWORKS')
  @IsArray()
  @ValidateBy(
    { name: 'isNetwork', validator: { validate: isNetwork } },
    { each: true, message: 'each must be a network in CIDR notation, such as 10.1.0.0/16' },
  )
  readonly allowedNetworks: readonly string[] = [];
}
