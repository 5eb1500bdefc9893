import { encodeModernRequest, type ClientProfile, type JsonObject } from '#lib/mcp-protocol';
import type { UpstreamRequest } from '../../upstream-connection.js';
import { GATEWAY_CLIENT } from '../../gateway-identity.js';

/** Serializes a request for the server. The request id is the progress token when the caller requested progress. */
export function modernText(id: number, request: UpstreamRequest, revision: string): string {
  const own = request.progressToken === undefined ? { revision } : { revision, progressToken: id };
  const params = encodeModernRequest(request, request.client, own);
  return JSON.stringify({ jsonrpc: '2.0', id, method: request.method, params });
}

/** Creates a request that the gateway sends on its own behalf. */
export function gatewayRequest(
  method: string,
  params: JsonObject,
  client: ClientProfile = GATEWAY_CLIENT,
): UpstreamRequest {
  return { method, params, client };
}
