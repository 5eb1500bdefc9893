import {
  encodeModernRequest,
  isJsonObject,
  LATEST_MODERN_REVISION,
  LEGACY_REVISIONS,
  META,
  metaOf,
  MODERN_REVISIONS,
  RpcCode,
  type JsonObject,
  type JsonValue,
  type Outcome,
} from '#lib/mcp-protocol';
import { GATEWAY_CLIENT } from '../../gateway-identity.js';
import type { ServerProfile } from '../../upstream-connection.js';
import { noSharedRevision } from '../../upstream.errors.js';

/** The result of a probe with `server/discover`. */
export type Discovery =
  | { readonly kind: 'modern'; readonly profile: ServerProfile }
  /** Not a modern server, as far as a probe without a handshake can show. */
  | { readonly kind: 'legacy' }
  | { readonly kind: 'failed'; readonly outcome: Outcome };

export const DISCOVER = 'server/discover';
export const DISCOVER_REQUEST = { method: DISCOVER, params: {}, client: GATEWAY_CLIENT } as const;

/** The text of the probe: the one request that no legacy server mistakes for another. */
export function discoverText(id: number): string {
  const params = encodeModernRequest(DISCOVER_REQUEST, GATEWAY_CLIENT, { revision: LATEST_MODERN_REVISION });
  return JSON.stringify({ jsonrpc: '2.0', id, method: DISCOVER, params });
}

/** Interprets the answer to a probe (basic/versioning, Backward Compatibility): an unrecognized answer means legacy. */
export function readDiscovery(outcome: Outcome, server: string): Discovery {
  if (outcome.kind === 'result') return toDiscovery(outcome.result, server);
  // The gateway created this error: the answer was not one of the modern era.
  if (outcome.httpStatus !== undefined) return { kind: 'legacy' };
  const { code, data } = outcome.error;
  if (code === RpcCode.headerMismatch || code === RpcCode.missingClientCapability) return { kind: 'failed', outcome };
  const offered = isJsonObject(data) ? toRevisions(data['supported']) : undefined;
  if (code !== RpcCode.unsupportedProtocolVersion || offered === undefined) return { kind: 'legacy' };
  // The probe offered every modern revision that the gateway supports, so only a legacy handshake remains.
  return toNonModern(offered, server);
}

function toDiscovery(result: JsonObject, server: string): Discovery {
  const offered = toRevisions(result['supportedVersions']);
  if (offered === undefined) return { kind: 'legacy' };
  const revision = MODERN_REVISIONS.find((known) => offered.includes(known));
  if (revision === undefined) return toNonModern(offered, server);
  return { kind: 'modern', profile: toProfile(result, revision) };
}

function toNonModern(offered: readonly string[], server: string): Discovery {
  const shared = LEGACY_REVISIONS.some((known) => offered.includes(known));
  return shared ? { kind: 'legacy' } : { kind: 'failed', outcome: noSharedRevision(server, offered) };
}

function toProfile(result: JsonObject, revision: string): ServerProfile {
  const { capabilities, instructions } = result;
  const serverInfo = metaOf(result)[META.serverInfo];
  return {
    era: 'modern',
    revision,
    capabilities: isJsonObject(capabilities) ? capabilities : {},
    ...(isJsonObject(serverInfo) && { serverInfo }),
    ...(typeof instructions === 'string' && { instructions }),
  };
}

function toRevisions(value: JsonValue | undefined): string[] | undefined {
  if (!Array.isArray(value)) return undefined;
  return value.filter((revision): revision is string => typeof revision === 'string');
}
