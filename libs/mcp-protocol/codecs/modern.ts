import { findDeclarationFault } from '../declarations.js';
import { RpcCode } from '../error-codes.js';
import { isJsonObject, toPlainNumber, type JsonObject, type JsonValue } from '../json.js';
import type { JsonRpcNotification, JsonRpcRequest, RequestId, RpcError } from '../json-rpc.js';
import { metaOf } from '../methods.js';
import { isLogLevel, toLogLevelFault, type ClientProfile, type McpNotification, type McpRequest } from '../neutral.js';
import { META, withMeta } from './meta.js';
import { eraOfRevision, LATEST_MODERN_REVISION, SUPPORTED_REVISIONS, toUnsupportedRevisionText } from './revisions.js';

export type DecodedModernRequest =
  | { readonly request: McpRequest; readonly client: ClientProfile }
  /** HTTP status required by the specification: 400 for every fault of the envelope. */
  | { readonly error: RpcError; readonly httpStatus: 400 };

const NO_PARAMS: JsonObject = Object.freeze({});

/**
 * Decodes a request of the modern era: revision, client, log level and progress token move from `_meta` to members of
 * the neutral request (specification 2026-07-28: basic/index, Per-request protocol fields).
 */
export function decodeModernRequest(message: JsonRpcRequest): DecodedModernRequest {
  const params = message.params ?? NO_PARAMS;
  const meta = params['_meta'];
  if (!isJsonObject(meta)) return invalid('params._meta is missing; it carries the protocol version and capabilities');
  const {
    progressToken: token,
    [META.protocolVersion]: revision,
    [META.clientInfo]: clientInfo,
    [META.clientCapabilities]: capabilities,
    [META.logLevel]: logLevel,
    ...rest
  } = meta;
  const progressToken = toPlainNumber(token);
  if (typeof revision !== 'string') return invalid(`_meta["${META.protocolVersion}"] must be a string`);
  if (eraOfRevision(revision) !== 'modern') return { error: unsupportedRevision(revision), httpStatus: 400 };
  if (!isJsonObject(capabilities)) return invalid(`_meta["${META.clientCapabilities}"] must be an object`);
  if (clientInfo !== undefined && !isJsonObject(clientInfo)) {
    return invalid(`_meta["${META.clientInfo}"] must be an object`);
  }
  if (logLevel !== undefined && !isLogLevel(logLevel))
    return invalid(toLogLevelFault(`_meta["${META.logLevel}"]`, logLevel));
  if (!isOptionalToken(progressToken)) return invalid('_meta.progressToken must be a string or a number');
  const client = { revision, capabilities, ...(clientInfo !== undefined && { clientInfo }) };
  const fault = findDeclarationFault(client);
  if (fault !== undefined) return { error: { code: RpcCode.invalidParams, message: fault }, httpStatus: 400 };
  return {
    request: {
      method: message.method,
      params: withMeta(params, rest),
      ...(progressToken !== undefined && { progressToken }),
      ...(logLevel !== undefined && { logLevel }),
    },
    client,
  };
}

export type DecodedModernNotification =
  { readonly notification: McpNotification; readonly client: ClientProfile } | { readonly error: RpcError };

/**
 * Decodes a notification of the modern era: what it says about its client moves out of `_meta`. The specification requires these
 * members of requests only; a client that declares no capabilities has none.
 */
export function decodeModernNotification({ method, params = {} }: JsonRpcNotification): DecodedModernNotification {
  const {
    [META.protocolVersion]: revision,
    [META.clientInfo]: clientInfo,
    [META.clientCapabilities]: capabilities,
    ...rest
  } = metaOf(params);
  const named = typeof revision === 'string' ? revision : LATEST_MODERN_REVISION;
  if (eraOfRevision(named) !== 'modern') return { error: unsupportedRevision(named) };
  const client = {
    revision: named,
    capabilities: isJsonObject(capabilities) ? capabilities : {},
    ...(isJsonObject(clientInfo) && { clientInfo }),
  };
  const fault = findDeclarationFault(client);
  if (fault !== undefined) return { error: { code: RpcCode.invalidParams, message: fault } };
  return { notification: { method, params: withMeta(params, rest) }, client };
}

/** Returns the params of a request to a modern server, with the identity of the client and the gateway's own token. */
export function encodeModernRequest(
  request: McpRequest,
  client: ClientProfile,
  own: { readonly revision: string; readonly progressToken?: RequestId },
): JsonObject {
  const rest = request.params['_meta'];
  const meta: JsonObject = isJsonObject(rest) ? { ...rest } : {};
  meta[META.protocolVersion] = own.revision;
  if (client.clientInfo !== undefined) meta[META.clientInfo] = client.clientInfo;
  meta[META.clientCapabilities] = client.capabilities;
  if (request.logLevel !== undefined) meta[META.logLevel] = request.logLevel;
  if (own.progressToken !== undefined) meta['progressToken'] = own.progressToken;
  return { ...request.params, _meta: meta };
}

const CACHEABLE_METHODS: ReadonlySet<string> = new Set([
  'server/discover',
  'tools/list',
  'prompts/list',
  'resources/list',
  'resources/templates/list',
  'resources/read',
]);

/**
 * Completes a result for a modern client: it adds the type, and caching hints where they are mandatory. Missing hints
 * get the safe values: stale at once, for this caller only (specification 2026-07-28: server/utilities/caching).
 * Returns the same object if nothing is missing.
 */
export function encodeModernResult(method: string, result: JsonObject): JsonObject {
  const resultType = result['resultType'];
  const complete = resultType === undefined || resultType === 'complete';
  const needsHints =
    complete && CACHEABLE_METHODS.has(method) && (result['ttlMs'] === undefined || result['cacheScope'] === undefined);
  if (needsHints) return { resultType: 'complete', ttlMs: 0, cacheScope: 'private', ...result };
  return resultType === undefined ? { resultType: 'complete', ...result } : result;
}

/**
 * Returns the HTTP status of an error response in the modern era (specification 2026-07-28:
 * basic/transports/streamable-http).
 */
export function modernStatusOf(error: RpcError): number {
  switch (error.code) {
    case RpcCode.methodNotFound:
      return 404;
    case RpcCode.headerMismatch:
    case RpcCode.missingClientCapability:
    case RpcCode.unsupportedProtocolVersion:
    case RpcCode.invalidRequest:
    case RpcCode.parseError:
      return 400;
    default:
      return 200;
  }
}

/** The error for a client that requests another revision. */
export function unsupportedRevision(requested: string): RpcError {
  return {
    code: RpcCode.unsupportedProtocolVersion,
    message: toUnsupportedRevisionText(requested),
    data: { supported: [...SUPPORTED_REVISIONS], requested },
  };
}

function invalid(message: string): DecodedModernRequest {
  return { error: { code: RpcCode.invalidParams, message: `Invalid params: ${message}.` }, httpStatus: 400 };
}

function isOptionalToken(value: JsonValue | undefined): value is RequestId | undefined {
  return value === undefined || typeof value === 'string' || typeof value === 'number';
}
