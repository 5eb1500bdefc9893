import { IsInt, IsOptional, IsString, Matches, Max, Min } from 'class-validator';
import { Env } from '#lib/config';

const ORIGIN = /^https?:\/\/[^\s"/?#@]+\/?$/i;

/** Where the gateway listens and where it keeps what it must remember. */
export class GatewayConfig {
  /** Address to listen on. Anything but a loopback address lets other machines in. */
  @Env('ISTHMUS_HOST')
  @IsString()
  @Matches(/^[\w.:-]+$/, { message: 'host must be an IP address or a host name' })
  readonly host: string = '127.0.0.1';

  /** TCP port to listen on; 0 takes a free one. */
  @Env('ISTHMUS_PORT')
  @IsInt()
  @Min(0)
  @Max(65_535)
  readonly port: number = 4444;

  /** Processes that share the port. More than one need a Redis; outside production one is embedded where none is set. */
  @Env('ISTHMUS_WORKERS')
  @IsInt()
  @Min(1)
  @Max(128)
  readonly workers: number = 1;

  /**
   * How long a gateway that was told to leave still takes requests while `/health/ready` says 503. Longer than a load
   * balancer needs to notice.
   */
  @Env('ISTHMUS_DRAIN_GRACE', { as: 'duration' })
  @IsInt()
  @Min(0)
  @Max(15_000)
  readonly drainGraceMs: number = 0;

  /** Folder for secrets, configuration and the embedded database. Created at the first start, for its owner only. */
  @Env('ISTHMUS_DATA_DIR')
  @IsString()
  readonly dataDir: string = './data';

  /** The gateway's address as clients know it, when a proxy stands before it: `https://mcp.example.com`. */
  @Env('ISTHMUS_PUBLIC_URL')
  @IsOptional()
  @Matches(ORIGIN, { message: 'publicUrl must be an http or https URL without a path' })
  readonly publicUrl?: string;
}
