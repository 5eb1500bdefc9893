import { isJsonObject, type JsonObject, type JsonValue } from '../json.js';
import type { JsonRpcRequest, RequestId } from '../json-rpc.js';
import type { McpRequest } from '../neutral.js';
import { toLegacyContent } from './legacy-content.js';
import { META, withMeta } from './meta.js';
import { eraOfRevision, LATEST_LEGACY_REVISION } from './revisions.js';

const NO_PARAMS: JsonObject = Object.freeze({});

/** Reads a request of a legacy client. A progress token that is neither string nor number counts as none. */
export function decodeLegacyRequest(message: JsonRpcRequest): McpRequest {
  const { method, params = NO_PARAMS } = message;
  const meta = params['_meta'];
  if (!isJsonObject(meta) || meta['progressToken'] === undefined) return { method, params };
  const { progressToken, ...rest } = meta;
  const neutral = withMeta(params, rest);
  return typeof progressToken === 'string' || typeof progressToken === 'number'
    ? { method, params: neutral, progressToken }
    : { method, params: neutral };
}

/** The params of a request to a legacy server. */
export function encodeLegacyRequest(request: McpRequest, own: { readonly progressToken?: RequestId }): JsonObject {
  if (own.progressToken === undefined) return request.params;
  const rest = request.params['_meta'];
  return { ...request.params, _meta: { ...(isJsonObject(rest) ? rest : {}), progressToken: own.progressToken } };
}

/** A result that the legacy era has no words for: its type is neither absent nor "complete". */
export class UntranslatableResult extends Error {
  constructor(readonly resultType: JsonValue) {
    super(`A result of type ${JSON.stringify(resultType).slice(0, 100)} cannot be told to a legacy client.`);
    this.name = 'UntranslatableResult';
  }
}

/**
 * A result as a client of this legacy revision can read it: without the modern era's members, with content blocks that
 * the revision knows, and with structured content only where it is an object. The same object when nothing changes.
 *
 * @throws UntranslatableResult for a result that is not complete; stripped of its type it would pass for a success
 */
export function encodeLegacyResult(method: string, result: JsonObject, revision: string): JsonObject {
  return toLegacyContent(revision, method, withoutModernMembers(result));
}

function withoutModernMembers(whole: JsonObject): JsonObject {
  const type = whole['resultType'];
  if (type !== undefined && type !== 'complete') throw new UntranslatableResult(type);
  const meta = whole['_meta'];
  const tellsServer = isJsonObject(meta) && meta[META.serverInfo] !== undefined;
  if (type === undefined && whole['ttlMs'] === undefined && whole['cacheScope'] === undefined && !tellsServer) {
    return whole;
  }
  const { resultType: _type, ttlMs: _ttl, cacheScope: _scope, ...rest } = whole;
  if (!tellsServer) return rest;
  const { [META.serverInfo]: _server, ...keptMeta } = meta;
  return withMeta(rest, keptMeta);
}

/** The revision that the gateway answers to a handshake: the requested one if it speaks it, else its latest. */
export function negotiateLegacy(requested: unknown): string {
  return typeof requested === 'string' && eraOfRevision(requested) === 'legacy' ? requested : LATEST_LEGACY_REVISION;
}
