import type { RawClientOptions } from './http-caller.js';
import { LegacyRawClient } from './legacy-client.js';
import { ModernRawClient } from './modern-client.js';
import type { ClientTransport, RawClient } from './raw-client.js';
import { RpcRawClient } from './rpc-client.js';
import { SseRawClient } from './sse-client.js';

export const CLIENT_TRANSPORTS: readonly ClientTransport[] = ['legacy', 'modern', 'sse', 'rpc'];

/**
 * Creates a client for one endpoint of the gateway, not yet connected.
 * @param base the gateway's URL, followed by `/servers/<slug>` for the endpoint of one server
 */
export function rawClient(transport: ClientTransport, base: string, options: RawClientOptions = {}): RawClient {
  switch (transport) {
    case 'legacy':
      return new LegacyRawClient(`${base}/mcp`, options);
    case 'modern':
      return new ModernRawClient(`${base}/mcp`, options);
    case 'sse':
      return new SseRawClient(`${base}/sse`, options);
    case 'rpc':
      return new RpcRawClient(`${base}/rpc`, options);
  }
}
