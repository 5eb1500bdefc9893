import { PRODUCT } from '#lib/extension-kit';
import { LATEST_MODERN_REVISION, type ClientProfile } from '#lib/mcp-protocol';

/** The client of requests that the gateway sends on its own behalf. It declares no capabilities. */
export const GATEWAY_CLIENT: ClientProfile = {
  revision: LATEST_MODERN_REVISION,
  capabilities: {},
  clientInfo: PRODUCT,
};
