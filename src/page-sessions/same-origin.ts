import type { IncomingHttpHeaders } from 'node:http';
import { Injectable } from '@nestjs/common';
import { GatewayConfig } from '../gateway.config.js';

/** The parts of a request that tell which page sent it. */
export interface PageRequest {
  readonly method?: string | undefined;
  readonly headers: IncomingHttpHeaders;
}

const SAFE_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

/** Tells whether a request was sent by a page of the gateway itself, by the headers that browsers set. */
@Injectable()
export class SameOrigin {
  private readonly publicOrigin: string | undefined;
  private readonly publicHost: string | undefined;

  constructor({ publicUrl }: GatewayConfig) {
    const url = publicUrl === undefined ? undefined : new URL(publicUrl);
    this.publicOrigin = url?.origin;
    this.publicHost = url?.host;
  }

  /**
   * A request that may change something must prove its origin. Another one is accepted also from browsers that do not send
   * `Sec-Fetch-Site`, because the session cookie itself is sent within a site only (SameSite=Strict).
   */
  accepts({ method = 'GET', headers }: PageRequest): boolean {
    const { origin } = headers;
    const site = headers['sec-fetch-site'];
    const isSafe = SAFE_METHODS.has(method);
    if (origin !== undefined && !this.isOwn(origin, headers.host)) return false;
    // `none`: the user entered the address.
    if (site !== undefined) return site === 'same-origin' || (isSafe && site === 'none');
    return isSafe || origin !== undefined;
  }

  /** The gateway cannot know the scheme of a host other than that of the public URL: a proxy may add TLS. */
  private isOwn(origin: string, host = ''): boolean {
    if (origin === this.publicOrigin) return true;
    const name = host.toLowerCase();
    if (name === this.publicHost) return false;
    return [`http://${name}`, `https://${name}`].some((own) => URL.parse(own)?.origin === origin);
  }
}
