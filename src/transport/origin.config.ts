import { IsArray, Matches } from 'class-validator';
import { Env } from '#lib/config';

const HOST = /^(?:\*|[\w.-]+|\[[\da-f:.]+\])(?::\d{1,5})?$/i;
const ORIGIN = /^(?:\*|null|[a-z][a-z\d+.-]*:\/\/[^\s/?#@]+)$/i;

/** Which hosts and origins are allowed, so that hostile web pages in a browser cannot use the gateway. */
export class OriginConfig {
  /**
   * Allowed values of the Host header, in addition to localhost and the gateway's own address: `mcp.example.com` allows any port,
   * `mcp.example.com:8443` only this one. `*` allows every host; use it only behind a proxy that checks the header.
   */
  @Env('ISTHMUS_ALLOWED_HOSTS')
  @IsArray()
  @Matches(HOST, { each: true, message: 'each value must be a host with an optional port' })
  readonly hosts: readonly string[] = [];

  /**
   * Allowed web origins, in addition to those of localhost, such as `https://app.example.com`. Their pages may call the gateway
   * and read its responses (CORS). `*` allows every web page. Clients other than browsers send no Origin header and are not
   * affected.
   */
  @Env('ISTHMUS_ALLOWED_ORIGINS')
  @IsArray()
  @Matches(ORIGIN, { each: true, message: 'each value must be an origin such as https://app.example.com' })
  readonly origins: readonly string[] = [];
}
