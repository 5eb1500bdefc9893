import { IsInt, IsOptional, IsString, Matches, Max, Min } from 'class-validator';
import { Env } from '#lib/config';

const ORIGIN = /^https?:\/\/[^\s"/?#@]+\/?$/i;

/** Address and processes of the gateway. */
export class GatewayConfig {
  /** Address on which the gateway listens. With any address other than loopback, other machines can connect. */
  @Env('ISTHMUS_HOST')
  @IsString()
  @Matches(/^[\w.:-]+$/, { message: 'host must be an IP address or a host name' })
  readonly host: string = '127.0.0.1';

  /** TCP port on which the gateway listens; 0 selects a free port. */
  @Env('ISTHMUS_PORT')
  @IsInt()
  @Min(0)
  @Max(65_535)
  readonly port: number = 4444;

  /**
   * Number of worker processes that share the port. More than one worker requires Redis; outside production an embedded
   * Valkey is started when no Redis is configured.
   */
  @Env('ISTHMUS_WORKERS')
  @IsInt()
  @Min(1)
  @Max(128)
  readonly workers: number = 1;

  /**
   * Public base URL of the gateway when clients reach it through a proxy or by a host name other than localhost:
   * `https://mcp.example.com`. Endpoints advertise resources below it, and accept tokens whose audience is such a resource.
   */
  @Env('ISTHMUS_PUBLIC_URL')
  @IsOptional()
  @Matches(ORIGIN, { message: 'publicUrl must be an http or https URL without a path' })
  readonly publicUrl?: string;
}
