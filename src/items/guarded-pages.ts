import { isJsonObject, type JsonValue } from '#lib/mcp-protocol';
import type { ServerDefinition } from '../registry/index.js';
import { ID_MEMBERS } from './definition.js';
import type { DefinitionGuard, ListedItem } from './definition-guard.js';
import type { ItemsOfList } from './item-overrides.js';
import type { ItemKind } from './item-record.js';

/** Pages of lists as the guard of definitions shows them, if there is one. */
export class GuardedPages {
  private guard: DefinitionGuard | undefined;

  /** Lets this guard decide from now on. */
  guardWith(guard: DefinitionGuard): void {
    this.guard = guard;
  }

  /** Lets the guard decide about a page before it is shown. Undefined: there is nothing to decide. */
  prepare(
    server: ServerDefinition,
    kind: ItemKind,
    known: ItemsOfList,
    page: readonly JsonValue[],
  ): Promise<unknown> | undefined {
    if (!this.guard?.guards(kind)) return undefined;
    const listed = page.map((item) => toListed(known, kind, item));
    return this.guard.prepare(server, kind, listed);
  }

  /** Returns the items that are not withheld. Returns the same array without a guard. */
  toShown(
    server: ServerDefinition,
    kind: ItemKind,
    known: ItemsOfList,
    page: readonly JsonValue[],
  ): readonly JsonValue[] {
    const { guard } = this;
    if (!guard?.guards(kind)) return page;
    return page
      .map((item) => guard.toShown(server, kind, toListed(known, kind, item)))
      .filter((item) => item !== undefined);
  }
}

function toListed(known: ItemsOfList, kind: ItemKind, item: JsonValue): ListedItem {
  const name = isJsonObject(item) ? item[ID_MEMBERS[kind]] : undefined;
  return { item, shownName: typeof name === 'string' ? known.get(name)?.shownName : undefined };
}
