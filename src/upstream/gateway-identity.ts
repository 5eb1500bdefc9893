import { PRODUCT } from '#lib/extension-kit';
import { LATEST_MODERN_REVISION, type ClientProfile } from '#lib/mcp-protocol';

/** Who asks when the gateway itself asks: a client that can be asked nothing. */
export const GATEWAY_CLIENT: ClientProfile = {
  revision: LATEST_MODERN_REVISION,
  capabilities: {},
  clientInfo: PRODUCT,
};
