import type { JsonValue } from '#lib/mcp-protocol';

/** Returns a text of a document; other values have no meaning where texts belong. */
export const asText = (value: JsonValue | undefined, otherwise = ''): string =>
  typeof value === 'string' ? value : otherwise;
