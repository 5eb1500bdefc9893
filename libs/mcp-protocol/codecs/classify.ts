import { isJsonObject, type JsonObject } from '../json.js';
import type { Era } from '../neutral.js';
import { META } from './meta.js';
import { isModernRevision } from './revisions.js';

/**
 * Says how a client means its message: with the handshake's semantics or with those of per-request metadata
 * (specification 2026-07-28: basic/versioning, Backward Compatibility). Total: everything has an era. A revision that
 * nobody knows yet counts as modern, because only that era can answer which ones are supported.
 *
 * @param protocolVersionHeader the MCP-Protocol-Version header, where there are headers
 */
export function classifyEra(message: { method: string; params?: JsonObject }, protocolVersionHeader?: string): Era {
  const { method, params } = message;
  const meta = params?.['_meta'];
  if (isJsonObject(meta) && Object.hasOwn(meta, META.protocolVersion)) return 'modern';
  if (method === 'initialize') return 'legacy';
  if (method === 'server/discover' || method === 'subscriptions/listen') return 'modern';
  return protocolVersionHeader !== undefined && isModernRevision(protocolVersionHeader.trim()) ? 'modern' : 'legacy';
}
