import { Injectable } from '@nestjs/common';
import { GatewayConfig } from '../gateway.config.js';
import { AuthConfig } from './auth.config.js';

/** The path of the resource is appended (RFC 9728, 3.1). */
export const METADATA_PATH = '/.well-known/oauth-protected-resource';

/** Excludes every character that could break out of a quoted header value or of the authority of a URL. */
const HOST = /^[\w.-]+(:\d{1,5})?$|^\[[\da-f:.]+\](:\d{1,5})?$/i;
const MCP_PATH = /^\/(?:mcp|sse|rpc|servers\/[a-z0-9-]{1,64}\/(?:mcp|sse))$/;

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

  /** Returns the metadata URL of an endpoint. `host` is the Host header of the request. */
  metadataUrl(path = '', host?: string): string {
    return this.origin(host) + METADATA_PATH + (MCP_PATH.test(path) ? path : '');
  }

  /** Returns the metadata of an endpoint, or of the whole gateway when the path is empty. Undefined: no such endpoint. */
  metadata(path: string, host?: string): ResourceMetadata | undefined {
    if (path !== '' && !MCP_PATH.test(path)) return undefined;
    const { issuer, requiredScopes } = this.auth;
    return {
      resource: this.origin(host) + path,
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

  private origin(host: string | undefined): string {
    const { publicUrl, host: address, port } = this.gateway;
    if (publicUrl !== undefined) return publicUrl.replace(/\/+$/, '');
    const isValidHost = host !== undefined && HOST.test(host);
    return `http://${isValidHost ? host : `${address.includes(':') ? `[${address}]` : address}:${port}`}`;
  }
}
