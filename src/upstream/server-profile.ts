import { isJsonObject, type Era, type JsonObject } from '#lib/mcp-protocol';

/** What a server says about itself, in its handshake or in its answer to discovery. */
export interface ServerProfile {
  readonly era: Era;
  /** Revision that the gateway speaks with it. */
  readonly revision: string;
  readonly capabilities: JsonObject;
  readonly serverInfo?: JsonObject;
  readonly instructions?: string;
}

/** Reads what a server said of itself out of what another worker wrote. Undefined: it is no profile. */
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
