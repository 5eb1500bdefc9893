import type { JsonObject } from '../json.js';

/** Reserved `_meta` keys of the modern era (specification 2026-07-28: basic/index, _meta). */
export const META = {
  protocolVersion: 'io.modelcontextprotocol/protocolVersion',
  clientInfo: 'io.modelcontextprotocol/clientInfo',
  clientCapabilities: 'io.modelcontextprotocol/clientCapabilities',
  logLevel: 'io.modelcontextprotocol/logLevel',
  subscriptionId: 'io.modelcontextprotocol/subscriptionId',
  serverInfo: 'io.modelcontextprotocol/serverInfo',
} as const;

/** Returns the params with another `_meta`, or without `_meta` if it would be empty. */
export function withMeta(params: JsonObject, meta: JsonObject): JsonObject {
  if (Object.keys(meta).length > 0) return { ...params, _meta: meta };
  if (params['_meta'] === undefined) return params;
  const { _meta, ...rest } = params;
  return rest;
}
