import { GatewayCode, isJsonObject, metaOf, type JsonObject } from '#lib/mcp-protocol';

/** The `_meta` key of the warnings of a list: what is missing from it, and what was repaired. */
const WARNINGS_META = 'isthmus/warnings';

/** Returns the warnings of a page. Only the gateway can have written them. */
export function warningsOf(result: JsonObject): JsonObject[] {
  const warnings = metaOf(result)[WARNINGS_META];
  return Array.isArray(warnings) ? warnings.filter(isJsonObject) : [];
}

/** Returns the result with these warnings. */
export function withWarnings(result: JsonObject, warnings: readonly JsonObject[]): JsonObject {
  const { [WARNINGS_META]: _replaced, ...meta } = metaOf(result);
  if (warnings.length > 0) return { ...result, _meta: { ...meta, [WARNINGS_META]: [...warnings] } };
  const { _meta, ...rest } = result;
  return Object.keys(meta).length > 0 ? { ...rest, _meta: meta } : rest;
}

export const toListWarning = (server: string, message: string): JsonObject => ({
  server,
  code: GatewayCode.upstreamBrokeProtocol,
  message,
});
