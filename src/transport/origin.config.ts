import { IsArray, Matches } from 'class-validator';
import { Env } from '#lib/config';

const HOST = /^(?:\*|[\w.-]+|\[[\da-f:.]+\])(?::\d{1,5})?$/i;
const ORIGIN = /^(?:\*|null|[a-z][a-z\d+.-]*:\/\/[^\s/?#@]+)$/i;

/** Which web pages and which names may reach the gateway. It keeps hostile pages in a browser away from it. */
export class OriginConfig {
  /**
   * Values of the Host header that are served, beside localhost and the gateway's own address: `mcp.example.com` with
   * any port, `mcp.example.com:8443` with this one. `*` serves all: only behind a proxy that checks.
   */
  @Env('ISTHMUS_ALLOWED_HOSTS')
  @IsArray()
  @Matches(HOST, { each: true, message: 'each must be a host, with a port or without' })
  readonly hosts: readonly string[] = [];

  /**
   * Web origins whose pages may call, beside those of localhost: `https://app.example.com`. `*` lets every web page
   * call. Programs that are no browser send no origin and are not concerned.
   */
  @Env('ISTHMUS_ALLOWED_ORIGINS')
  @IsArray()
  @Matches(ORIGIN, { each: true, message: 'each must be an origin such as https://app.example.com' })
  readonly origins: readonly string[] = [];
}
