import { encodeModernRequest, type ClientProfile, type JsonObject } from '#lib/mcp-protocol';
import type { UpstreamRequest } from '../../upstream-connection.js';
import { GATEWAY_CLIENT } from '../../gateway-identity.js';

/** A request as it goes to the server; our id is the progress token when the caller wants progress. */
export function modernText(id: number, request: UpstreamRequest, revision: string): string {
  const own = request.progressToken === undefined ? { revision } : { revision, progressToken: id };
  const params = encodeModernRequest(request, request.client, own);
  return JSON.stringify({ jsonrpc: '2.0', id, method: request.method, params });
}

/** A request of the gateway's own. */
export function gatewayRequest(
  method: string,
  params: JsonObject,
  client: ClientProfile = GATEWAY_CLIENT,
): UpstreamRequest {
  return { method, params, client };
}
