import { isJsonObject, type JsonObject, type JsonValue } from '#lib/mcp-protocol';

/** Resolves a reference of the form `#` or `#/a/b` within the schema (RFC 6901); undefined when there is nothing. */
export function resolveReference(root: JsonObject, reference: string): JsonValue | undefined {
  if (!reference.startsWith('#')) return undefined;
  let value: JsonValue | undefined = root;
  for (const part of reference.split('/').slice(1)) {
    const name = decodePart(part).replaceAll('~1', '/').replaceAll('~0', '~');
    if (Array.isArray(value)) value = value[Number(name)];
    else value = isJsonObject(value) && Object.hasOwn(value, name) ? value[name] : undefined;
  }
  return value;
}

function decodePart(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
