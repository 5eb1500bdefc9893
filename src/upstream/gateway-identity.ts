import { PRODUCT } from '#lib/extension-kit';
import { LATEST_MODERN_REVISION, type ClientProfile } from '#lib/mcp-protocol';
import type { CallIdentity, UpstreamRequest } from './upstream-connection.js';

/** The client of requests that the gateway sends on its own behalf. It declares no capabilities. */
export const GATEWAY_CLIENT: ClientProfile = {
  revision: LATEST_MODERN_REVISION,
  capabilities: {},
  clientInfo: PRODUCT,
};

/** The identity of requests that the gateway sends on its own behalf, also over the connections of clients. */
export const GATEWAY_IDENTITY: CallIdentity = { principal: 'the gateway', client: 'the gateway' };

/** True for a request that the gateway sends on its own behalf. What a server sends unasked never belongs to one. */
export const isOwn = ({ asker }: UpstreamRequest): boolean => asker === GATEWAY_IDENTITY;
