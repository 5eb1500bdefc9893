import { PRODUCT } from '#lib/extension-kit';
import {
  isJsonObject,
  LATEST_LEGACY_REVISION,
  LEGACY_REVISIONS,
  withoutTaskCapability,
  type ClientProfile,
  type JsonObject,
  type Outcome,
} from '#lib/mcp-protocol';
import type { ServerProfile } from '../../upstream-connection.js';
import { protocolViolation, noSharedRevision, toOutcomeError } from '../../upstream.errors.js';

/** The params of the opening request of a session. */
export function initializeParams({ capabilities, clientInfo = PRODUCT }: ClientProfile): JsonObject {
  // A server could create tasks at the client, but has no way to reach them through the gateway.
  return { protocolVersion: LATEST_LEGACY_REVISION, capabilities: withoutTaskCapability(capabilities), clientInfo };
}

/** The opening request of a session. */
export function initializeText(id: number, client: ClientProfile): string {
  return JSON.stringify({ jsonrpc: '2.0', id, method: 'initialize', params: initializeParams(client) });
}

/**
 * Reads the result of `initialize`. Throws an OutcomeError for a failure, an invalid result or an unsupported revision.
 */
export function readInitialize(outcome: Outcome, server: string): ServerProfile {
  if (outcome.kind === 'error') throw toOutcomeError(outcome);
  const { protocolVersion, capabilities, serverInfo, instructions } = outcome.result;
  if (typeof protocolVersion !== 'string')
    throw toOutcomeError(protocolViolation(server, 'initialize names no protocol version'));
  if (!isSpoken(protocolVersion)) throw toOutcomeError(noSharedRevision(server, [protocolVersion]));
  return {
    era: 'legacy',
    revision: protocolVersion,
    capabilities: isJsonObject(capabilities) ? capabilities : ({} satisfies JsonObject),
    ...(isJsonObject(serverInfo) && { serverInfo }),
    ...(typeof instructions === 'string' && { instructions }),
  };
}

function isSpoken(revision: string): boolean {
  return LEGACY_REVISIONS.some((known) => known === revision);
}
