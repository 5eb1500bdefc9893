import type { JsonObject, JsonValue } from '#lib/mcp-protocol';
import type { ServerDefinition } from '../registry/index.js';
import type { ItemKind } from './item-record.js';

/** A listed item with the name under which clients see it, if an admin has renamed it. */
export interface ListedItem {
  readonly item: JsonValue;
  readonly shownName: string | undefined;
}

/** Decides how definitions are shown to clients, alike for all callers. A higher module implements it. */
export abstract class DefinitionGuard {
  /** False while it changes no list of the kind. Asked for every list, so it must cost nothing. */
  abstract guards(kind: ItemKind): boolean;

  /** Decides about the definitions of a page. Undefined: it has decided about all of them before. */
  abstract prepare(server: ServerDefinition, kind: ItemKind, page: readonly ListedItem[]): Promise<unknown> | undefined;

  /** Returns the item as clients see it. Undefined: it is withheld, or not decided about. */
  abstract toShown(server: ServerDefinition, kind: ItemKind, listed: ListedItem): JsonObject | undefined;
}
