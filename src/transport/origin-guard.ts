import { Injectable } from '@nestjs/common';
import { GatewayError } from '#lib/extension-kit';
import { GatewayCode } from '#lib/mcp-protocol';
import { GatewayConfig } from '../gateway.config.js';
import { OriginConfig } from './origin.config.js';

export interface OriginHeaders {
  readonly origin?: string | undefined;
  readonly host?: string | undefined;
}

/** Judged values are remembered, so that a request costs two look-ups. Hostile ones cannot fill the memory. */
const MAX_CACHED_VERDICTS = 1_000;

/** Names of this machine, under any port. */
const LOCAL_HOSTS = ['localhost', '127.0.0.1', '[::1]'];
const ANY_ADDRESS = new Set(['0.0.0.0', '::']);

/**
 * Keeps web pages away that have no business here: a page whose name was rebound to our address shows its own name in
 * Host, any foreign page shows itself in Origin (specification: basic/transports, Security Warning).
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

  /** What is wrong with where a request comes from; undefined when nothing is. */
  check(headers: OriginHeaders): GatewayError | undefined {
    const { origin, host } = headers;
    if (host === undefined || !this.isHostAllowed(host)) {
      return toRefusal(
        'This gateway does not serve the host of the request. ISTHMUS_ALLOWED_HOSTS lists those it serves.',
      );
    }
    if (origin === undefined || this.isOriginAllowed(origin)) return undefined;
    return toRefusal('Pages of this origin may not call. ISTHMUS_ALLOWED_ORIGINS lists those that may.');
  }
}

function toRefusal(message: string): GatewayError {
  return new GatewayError(GatewayCode.deniedByPolicy, message, 403, {
    outcome: 'not_executed',
    retriable: false,
    httpStatus: 403,
  });
}

/** The address that the gateway is bound to and the one that it is known by; a rebound name is neither. */
function gatewayHosts({ host, publicUrl }: GatewayConfig): string[] {
  const bound = ANY_ADDRESS.has(host) ? [] : [host.includes(':') ? `[${host}]` : host];
  return publicUrl === undefined ? bound : [...bound, new URL(publicUrl).host];
}

const gatewayOrigins = ({ publicUrl }: GatewayConfig): string[] =>
  publicUrl === undefined ? [] : [new URL(publicUrl).origin];

/** An entry without a port stands for all ports of its name. */
function matchesHost(allowed: readonly string[], host: string): boolean {
  const name = host.toLowerCase();
  return allowed.includes('*') || allowed.includes(name) || allowed.includes(name.replace(/:\d{1,5}$/, ''));
}

function isLocal(origin: string): boolean {
  const url = URL.parse(origin);
  return url !== null && /^https?:$/.test(url.protocol) && LOCAL_HOSTS.includes(url.hostname);
}

/** Lower case, and without a port that is the scheme's own. */
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
