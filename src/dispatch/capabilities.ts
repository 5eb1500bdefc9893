import { isJsonObject, type JsonObject } from '#lib/mcp-protocol';
import type { ServerProfile } from '../upstream/index.js';

/** Capabilities with the same meaning in both eras. */
const ERA_INDEPENDENT = ['tools', 'prompts', 'resources', 'completions', 'logging'] as const;

/** The union of the capabilities of several servers. An aggregated list changes whenever a list of one server does. */
export function mergeCapabilities(profiles: readonly ServerProfile[]): JsonObject {
  const merged: JsonObject = { tools: { listChanged: true } };
  for (const { capabilities } of profiles) {
    for (const name of ERA_INDEPENDENT) {
      const own = capabilities[name];
      if (own === undefined) continue;
      const before = merged[name];
      merged[name] = { ...(isJsonObject(before) ? before : {}), ...(isJsonObject(own) ? own : {}) };
    }
  }
  return merged;
}

/** The capabilities of a server for a client of the other era, without those that exist only in the server's era. */
export function toOtherEraCapabilities(capabilities: JsonObject): JsonObject {
  const { experimental } = capabilities;
  return { ...(experimental !== undefined && { experimental }), ...toGatewayCapabilities(capabilities) };
}

/** Only the capabilities whose methods the gateway handles itself. */
export function toGatewayCapabilities(capabilities: JsonObject): JsonObject {
  const known: JsonObject = {};
  for (const name of ERA_INDEPENDENT) if (capabilities[name] !== undefined) known[name] = capabilities[name];
  return known;
}
