import { LATEST_MODERN_REVISION, type ClientProfile } from '#lib/mcp-protocol';

/** Who asks when the gateway itself asks: probes, and handshakes for clients that did not say who they are. */
export const GATEWAY_INFO = { name: 'isthmus', version: '0.1.0' };

/** The gateway as a client that can be asked nothing. */
export const GATEWAY_CLIENT: ClientProfile = {
  revision: LATEST_MODERN_REVISION,
  capabilities: {},
  clientInfo: GATEWAY_INFO,
};
