import { isJsonObject, type JsonObject } from '#lib/mcp-protocol';
import type { ServerProfile } from '../upstream/index.js';

/** Capabilities that mean the same in both eras. */
const ERA_INDEPENDENT = ['tools', 'prompts', 'resources', 'completions', 'logging'] as const;

/** What several servers can do together. Lists of several servers change whenever one of theirs does. */
export function mergeCapabilities(profiles: readonly ServerProfile[]): JsonObject {
  const united: JsonObject = { tools: { listChanged: true } };
  for (const { capabilities } of profiles) {
    for (const name of ERA_INDEPENDENT) {
      const own = capabilities[name];
      if (own === undefined) continue;
      const before = united[name];
      united[name] = { ...(isJsonObject(before) ? before : {}), ...(isJsonObject(own) ? own : {}) };
    }
  }
  return united;
}

/** A server's capabilities as a client of another era may see them: without what that era does not know. */
export function toOtherEraCapabilities(capabilities: JsonObject): JsonObject {
  const { experimental } = capabilities;
  return { ...(experimental !== undefined && { experimental }), ...toGatewayCapabilities(capabilities) };
}

/** Only those whose methods the gateway itself knows. */
export function toGatewayCapabilities(capabilities: JsonObject): JsonObject {
  const known: JsonObject = {};
  for (const name of ERA_INDEPENDENT) if (capabilities[name] !== undefined) known[name] = capabilities[name];
  return known;
}
