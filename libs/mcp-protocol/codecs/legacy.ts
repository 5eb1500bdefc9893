import { isJsonObject, toPlainNumber, type JsonObject, type JsonValue } from '../json.js';
import type { JsonRpcRequest, RequestId } from '../json-rpc.js';
import type { McpRequest } from '../neutral.js';
import { toLegacyContent } from './legacy-content.js';
import { META, withMeta } from './meta.js';
import { eraOfRevision, LATEST_LEGACY_REVISION } from './revisions.js';

const NO_PARAMS: JsonObject = Object.freeze({});

/** Decodes a request of a legacy client. A progress token that is neither a string nor a number is ignored. */
export function decodeLegacyRequest(message: JsonRpcRequest): McpRequest {
  const { method, params = NO_PARAMS } = message;
  const meta = params['_meta'];
  if (!isJsonObject(meta) || meta['progressToken'] === undefined) return { method, params };
  const { progressToken: token, ...rest } = meta;
  const progressToken = toPlainNumber(token);
  const neutral = withMeta(params, rest);
  return typeof progressToken === 'string' || typeof progressToken === 'number'
    ? { method, params: neutral, progressToken }
    : { method, params: neutral };
}

/** Returns the params of a request to a legacy server. */
export function encodeLegacyRequest(request: McpRequest, own: { readonly progressToken?: RequestId }): JsonObject {
  if (own.progressToken === undefined) return request.params;
  const rest = request.params['_meta'];
  return { ...request.params, _meta: { ...(isJsonObject(rest) ? rest : {}), progressToken: own.progressToken } };
}

/** A result that has no legacy form: its type is neither absent nor "complete". */
export class UntranslatableResult extends Error {
  constructor(readonly resultType: JsonValue) {
    super(`A result of type ${JSON.stringify(resultType).slice(0, 100)} cannot be converted for a legacy client.`);
    this.name = 'UntranslatableResult';
  }
}

/**
 * Converts a result for a client of this legacy revision: without members of the modern era, with content blocks that
 * the revision knows, and with structured content that is no object in an envelope. Returns the same object if nothing changes.
 *
 * @throws UntranslatableResult for a result that is not complete; without its type it would look like a success
 */
export function encodeLegacyResult(method: string, result: JsonObject, revision: string): JsonObject {
  return toLegacyContent(revision, method, withoutModernMembers(result));
}

function withoutModernMembers(whole: JsonObject): JsonObject {
  const type = whole['resultType'];
  if (type !== undefined && type !== 'complete') throw new UntranslatableResult(type);
  const meta = whole['_meta'];
  const hasServerInfo = isJsonObject(meta) && meta[META.serverInfo] !== undefined;
  if (type === undefined && whole['ttlMs'] === undefined && whole['cacheScope'] === undefined && !hasServerInfo) {
    return whole;
  }
  const { resultType: _type, ttlMs: _ttl, cacheScope: _scope, ...rest } = whole;
  if (!hasServerInfo) return rest;
  const { [META.serverInfo]: _server, ...keptMeta } = meta;
  return withMeta(rest, keptMeta);
}

/** Returns the revision for the reply to a handshake: the requested one if it is supported, else the latest. */
export function negotiateLegacy(requested: unknown): string {
  return typeof requested === 'string' && eraOfRevision(requested) === 'legacy' ? requested : LATEST_LEGACY_REVISION;
}
