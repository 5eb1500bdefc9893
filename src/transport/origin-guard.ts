import { Injectable } from '@nestjs/common';
import { GatewayError } from '#lib/extension-kit';
import { GatewayCode } from '#lib/mcp-protocol';
import { GatewayConfig } from '../gateway.config.js';
import { OriginConfig } from './origin.config.js';

export interface OriginHeaders {
  readonly origin?: string | undefined;
  readonly host?: string | undefined;
}

/** Maximum number of cached verdicts for each header. Bounded so that hostile values cannot fill the memory. */
const MAX_CACHED_VERDICTS = 1_000;

/** Names of the local machine, allowed with any port. */
const LOCAL_HOSTS = ['localhost', '127.0.0.1', '[::1]'];
const ANY_ADDRESS = new Set(['0.0.0.0', '::']);

/**
 * Rejects requests of foreign web pages. A page whose host name was rebound to the gateway's address sends its own name in the
 * Host header; any foreign page sends its Origin (specification: basic/transports, Security Warning).
 */
@Injectable()
export class OriginGuard {
  private readonly isHostAllowed: (host: string) => boolean;
  private readonly isOriginAllowed: (origin: string) => boolean;

  constructor(config: OriginConfig, gateway: GatewayConfig) {
    const hosts = [...LOCAL_HOSTS, ...gatewayHosts(gateway), ...config.hosts].map((host) => host.toLowerCase());
    const origins = new Set([...config.origins.map(toCanonicalOrigin), ...gatewayOrigins(gateway)]);
    this.isHostAllowed = memoize((host) => matchesHost(hosts, host));
    this.isOriginAllowed = memoize(
      (origin) => origins.has('*') || origins.has(toCanonicalOrigin(origin)) || isLocal(origin),
    );
  }

  /** Returns the error for a request from a host or origin that is not allowed, or undefined. */
  check(headers: OriginHeaders): GatewayError | undefined {
    const { origin, host } = headers;
    if (host === undefined || !this.isHostAllowed(host)) {
      return toRefusal('The Host header of the request is not allowed. Add the host to ISTHMUS_ALLOWED_HOSTS.');
    }
    if (origin === undefined || this.isOriginAllowed(origin)) return undefined;
    return toRefusal('The Origin of the request is not allowed. Add it to ISTHMUS_ALLOWED_ORIGINS.');
  }
}

function toRefusal(message: string): GatewayError {
  return new GatewayError(GatewayCode.deniedByPolicy, message, 403, {
    outcome: 'not_executed',
    retriable: false,
    httpStatus: 403,
  });
}

/** The bound address and the host of the public URL. A rebound name equals neither. */
function gatewayHosts({ host, publicUrl }: GatewayConfig): string[] {
  const bound = ANY_ADDRESS.has(host) ? [] : [host.includes(':') ? `[${host}]` : host];
  return publicUrl === undefined ? bound : [...bound, new URL(publicUrl).host];
}

const gatewayOrigins = ({ publicUrl }: GatewayConfig): string[] =>
  publicUrl === undefined ? [] : [new URL(publicUrl).origin];

/** An entry without a port allows every port. */
function matchesHost(allowed: readonly string[], host: string): boolean {
  const name = host.toLowerCase();
  return allowed.includes('*') || allowed.includes(name) || allowed.includes(name.replace(/:\d{1,5}$/, ''));
}

function isLocal(origin: string): boolean {
  const url = URL.parse(origin);
  return url !== null && /^https?:$/.test(url.protocol) && LOCAL_HOSTS.includes(url.hostname);
}

/** Lower case, without the default port of the scheme. */
function toCanonicalOrigin(text: string): string {
  const origin = URL.parse(text)?.origin ?? 'null';
  return origin === 'null' ? text.toLowerCase() : origin;
}

function memoize(judge: (value: string) => boolean): (value: string) => boolean {
  const verdicts = new Map<string, boolean>();
  return (value) => {
    let verdict = verdicts.get(value);
    if (verdict !== undefined) return verdict;
    verdict = judge(value);
    if (verdicts.size >= MAX_CACHED_VERDICTS) verdicts.clear();
    if (value.length < 256) verdicts.set(value, verdict);
    return verdict;
  };
}
