import { IsInt, IsOptional, IsString, Matches, Max, Min } from 'class-validator';
import { Env } from '#lib/config';

/** Excludes paths that the gateway serves itself, and every character that could break out of a quoted header value. */
const BASE_URL =
  /^https?:\/\/[^\s"\\/?#@]+(?!\/(?:servers|admin|health|metrics|\.well-known)(?:\/|$))(?:\/(?!\.{1,2}(?:\/|$))[\w.~!$&'()*+,;=:@-]+)*\/?$/i;

/** Endpoints whose path may also be the path of the public URL. */
const ENDPOINTS: ReadonlySet<string> = new Set(['/mcp', '/sse', '/rpc', '/message', '/messages']);

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
   * `https://mcp.example.com`, or `https://example.com/tools` when the gateway is served below a path. Endpoints advertise
   * resources below it, and accept tokens whose audience is such a resource. A proxy may remove the path or pass it on.
   */
  @Env('ISTHMUS_PUBLIC_URL')
  @IsOptional()
  @Matches(BASE_URL, {
    message:
      'publicUrl must be an http or https URL without a query, whose path does not begin with /servers, /admin, /health, /metrics or /.well-known',
  })
  readonly publicUrl?: string;

  /** The path of the public URL without a slash at its end: `/tools`, or empty. */
  get publicPath(): string {
    return this.publicUrl === undefined ? '' : new URL(this.publicUrl).pathname.replace(/\/+$/, '');
  }
}

/**
 * Returns a path, with or without a query, as the gateway serves it: without the path of the public URL, which a proxy may
 * have passed on. A path that is an endpoint is returned as it is, for a proxy that has removed the same path before.
 */
export function removePublicPath(path: string, publicPath: string): string {
  if (publicPath === '' || !path.startsWith(publicPath)) return path;
  const rest = path.slice(publicPath.length);
  if (!/^(?:[/?]|$)/.test(rest)) return path;
  if (ENDPOINTS.has(publicPath) && /^\/?(?:\?|$)/.test(rest)) return path;
  return rest.startsWith('/') ? rest : `/${rest}`;
}
