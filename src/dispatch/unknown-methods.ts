import { isTaskMethod, taskCapabilityOf, withoutTaskCapability, type JsonObject } from '#lib/mcp-protocol';
import { isUnrestricted, passesUnknownMethods, type Endpoint } from '../catalog/index.js';
import type { ServerDefinition } from '../registry/index.js';
import { toGatewayCapabilities } from './capabilities.js';

/* What passes between a client and a server although the gateway does not know it (invariant 10). */

/** True if the endpoint's caller may use tasks at the server, under ids that are sealed for it. */
export function passesTasks(endpoint: Endpoint, server: ServerDefinition): boolean {
  return server.tasks && isUnrestricted(endpoint);
}

/** Returns the server that receives methods and notifications of this name from the endpoint's caller, if one does. */
export function serverThatReceives(endpoint: Endpoint, method: string): ServerDefinition | undefined {
  const [server] = endpoint.servers;
  if (server === undefined) return undefined;
  const passes = isTaskMethod(method) ? passesTasks(endpoint, server) : passesUnknownMethods(endpoint, server);
  return passes ? server : undefined;
}

/** Returns the capabilities of the server that its endpoint offers to this caller. */
export function offeredCapabilities(
  endpoint: Endpoint,
  server: ServerDefinition,
  capabilities: JsonObject,
): JsonObject {
  const offersTasks = passesTasks(endpoint, server);
  if (passesUnknownMethods(endpoint, server)) return offersTasks ? capabilities : withoutTaskCapability(capabilities);
  return { ...toGatewayCapabilities(capabilities), ...(offersTasks && taskCapabilityOf(capabilities)) };
}
