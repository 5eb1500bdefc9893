import { trimOptionalWhitespace } from '../headers/optional-whitespace.js';
import { isJsonObject, type JsonObject } from '../json.js';
import type { Era } from '../neutral.js';
import { META } from './meta.js';
import { isModernRevision } from './revisions.js';

/**
 * Determines the era of a message: semantics of the handshake, or of per-request metadata (specification 2026-07-28:
 * basic/versioning, Backward Compatibility). Every message has an era. An unknown future revision counts as modern,
 * because only that era can reply with the supported ones.
 *
 * @param protocolVersionHeader the MCP-Protocol-Version header, if the transport has headers
 */
export function classifyEra(message: { method: string; params?: JsonObject }, protocolVersionHeader?: string): Era {
  const { method, params } = message;
  const meta = params?.['_meta'];
  if (isJsonObject(meta) && Object.hasOwn(meta, META.protocolVersion)) return 'modern';
  if (method === 'initialize') return 'legacy';
  if (method === 'server/discover' || method === 'subscriptions/listen') return 'modern';
  return protocolVersionHeader !== undefined && isModernRevision(trimOptionalWhitespace(protocolVersionHeader))
    ? 'modern'
    : 'legacy';
}
