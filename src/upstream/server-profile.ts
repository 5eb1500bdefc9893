import { isJsonObject, type Era, type JsonObject } from '#lib/mcp-protocol';

/** A server's description of itself, from its handshake or its discovery result. */
export interface ServerProfile {
  readonly era: Era;
  /** The revision that the gateway uses with the server. */
  readonly revision: string;
  readonly capabilities: JsonObject;
  readonly serverInfo?: JsonObject;
  readonly instructions?: string;
}

/** Reads a profile that another worker serialized. Returns undefined when the value is not a profile. */
export function readProfile(value: unknown): ServerProfile | undefined {
  if (!isJsonObject(value)) return undefined;
  const { era, revision, capabilities, serverInfo, instructions } = value;
  if ((era !== 'legacy' && era !== 'modern') || typeof revision !== 'string') return undefined;
  if (!isJsonObject(capabilities)) return undefined;
  return {
    era,
    revision,
    capabilities,
    ...(isJsonObject(serverInfo) && { serverInfo }),
    ...(typeof instructions === 'string' && { instructions }),
  };
}
