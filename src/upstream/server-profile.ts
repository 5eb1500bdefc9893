import type { ServerProfile } from '#lib/extension-kit';
import { isJsonObject } from '#lib/mcp-protocol';

export type { ServerProfile };

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
