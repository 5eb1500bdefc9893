import { Injectable } from '@nestjs/common';
import type { RequestedResource } from '#lib/extension-kit';
import { GatewayConfig, removePublicPath } from '../gateway.config.js';
import { AuthConfig } from './auth.config.js';

/** The path of the resource is appended (RFC 9728, 3.1). */
export const METADATA_PATH = '/.well-known/oauth-protected-resource';

/** Excludes every character that could break out of a quoted header value or of the authority of a URL. */
const HOST = /^[\w.-]+(:\d{1,5})?$|^\[[\da-f:.]+\](:\d{1,5})?$/i;
const MCP_PATH = /^((?:\/servers\/[a-z0-9-]{1,64})?\/)(mcp|sse|rpc|messages?)\/?$/;
/** Clients of HTTP+SSE obtain their token for the URL of the stream and send it with each message, too. */
const STREAM_OF_MESSAGES: Readonly<Record<string, string>> = { message: 'sse', messages: 'sse' };
const LOCAL_NAMES: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '[::1]']);

/** Metadata of a protected resource (RFC 9728, 2). */
export interface ResourceMetadata {
  readonly resource: string;
  readonly resource_name: string;
  readonly bearer_methods_supported: readonly string[];
  readonly authorization_servers?: readonly string[];
  readonly scopes_supported?: readonly string[];
}

/** Builds the metadata and challenges that show a client without a valid token where to obtain one. */
@Injectable()
export class ProtectedResource {
  constructor(
    private readonly gateway: GatewayConfig,
    private readonly auth: AuthConfig,
  ) {}

  /**
   * Returns the metadata URL of an endpoint. `host` is the Host header of the request. Below the path of the public URL, so
   * that a proxy which serves only that path passes it on; the URL that RFC 9728, 3.1, derives from the resource works too.
   */
  metadataUrl(path = '', host?: string): string {
    return this.baseUrl(host) + METADATA_PATH + (toResourcePath(path) ?? '');
  }

  /**
   * Returns the identifiers that the metadata of the requested endpoint and of the gateway advertise. A Host header that may
   * name another service, for whose tokens this gateway must not stand in, has none: `ISTHMUS_PUBLIC_URL` defines them then.
   */
  identify(path = '', host?: string): RequestedResource {
    const base = this.baseUrl(host);
    if (!this.isOwnUrl(base)) return NO_RESOURCE;
    const resourcePath = toResourcePath(path);
    // Clients that parse an identifier without a path as a URL send it with a slash.
    const gateway = [base, `${base}/`];
    return resourcePath === undefined ? { gateway } : { gateway, endpoint: base + resourcePath };
  }

  /** Returns the metadata of an endpoint, or of the whole gateway when the path is empty. Undefined: no such endpoint. */
  metadata(requested: string, host?: string): ResourceMetadata | undefined {
    const served = removePublicPath(requested, this.gateway.publicPath);
    const isGateway = served === '/' && requested !== served;
    const path = isGateway ? '' : served;
    const resourcePath = path === '' ? '' : toResourcePath(path);
    if (resourcePath !== path) return undefined;
    const { issuer, requiredScopes } = this.auth;
    return {
      resource: this.baseUrl(host) + path,
      resource_name: 'Isthmus',
      bearer_methods_supported: ['header'],
      ...(issuer === undefined ? {} : { authorization_servers: [issuer] }),
      ...(requiredScopes.length === 0 ? {} : { scopes_supported: requiredScopes }),
    };
  }

  /** Returns the challenge of a 401 or 403 (RFC 6750, 3; RFC 9728, 5.1). */
  challenge(metadataUrl: string, refusal?: { readonly error: string; readonly description: string }): string {
    const parameters = [
      ...(refusal === undefined
        ? []
        : [
            ['error', refusal.error],
            ['error_description', refusal.description],
          ]),
      ...(this.auth.requiredScopes.length === 0 ? [] : [['scope', this.auth.requiredScopes.join(' ')]]),
      ['resource_metadata', metadataUrl],
    ];
    return `Bearer ${parameters.map(([name, value]) => `${name}="${value}"`).join(', ')}`;
  }

  /** Returns the URL of the gateway without a slash at its end: the public one, or the one that the client uses. */
  baseUrl(host: string | undefined): string {
    const { publicUrl, publicPath, host: address, port } = this.gateway;
    if (publicUrl !== undefined) return toOrigin(publicUrl) + publicPath;
    const isValidHost = host !== undefined && HOST.test(host);
    return toOrigin(`http://${isValidHost ? host : `${toUrlHost(address)}:${port}`}`);
  }

  private isOwnUrl(url: string): boolean {
    if (this.gateway.publicUrl !== undefined) return true;
    const hostname = URL.parse(url)?.hostname;
    if (hostname === undefined) return false;
    return LOCAL_NAMES.has(hostname) || hostname === toUrlHost(this.gateway.host).toLowerCase();
  }
}

const NO_RESOURCE: RequestedResource = { gateway: [] };

const toUrlHost = (address: string): string => (address.includes(':') ? `[${address}]` : address);

/** Lower case and without the default port, as clients write it. */
const toOrigin = (url: string): string => URL.parse(url)?.origin ?? url;

/** Returns the path of the protected resource that serves a request path. Undefined: it is no endpoint. */
function toResourcePath(path: string): string | undefined {
  const [, base, name = ''] = MCP_PATH.exec(path) ?? [];
  return base === undefined ? undefined : base + (STREAM_OF_MESSAGES[name] ?? name);
}
