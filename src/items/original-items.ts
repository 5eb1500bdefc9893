import type { JsonObject } from '#lib/mcp-protocol';

const originals = new WeakMap<JsonObject, JsonObject>();

/**
 * Remembers in which form the server listed an item that was repaired for clients. Definitions are pinned as the server lists
 * them, so that neither a repair nor a later version of the gateway changes an approved one.
 */
export function rememberOriginal(repaired: JsonObject, original: JsonObject): void {
  originals.set(repaired, original);
}

export const originalOf = (item: JsonObject): JsonObject => originals.get(item) ?? item;
