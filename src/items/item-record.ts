import type { JsonObject, LIST_MEMBERS, ListMethod } from '#lib/mcp-protocol';

/** The member of a list's answer that an item comes in. */
export type ItemKind = (typeof LIST_MEMBERS)[ListMethod];

/**
 * `approved`: as it was approved, or as it was seen first. `changed`: its server has changed the definition since, and it is
 * shown all the same. `quarantined`: likewise, and it is kept back.
 */
export type ItemStatus = 'approved' | 'changed' | 'quarantined';

/** What people have said of an item. */
export interface ItemOverrides {
  /** It is shown to nobody. */
  readonly isDisabled: boolean;
  /** Instead of the name that its server gives it. */
  readonly shownName?: string;
  readonly shownDescription?: string;
}

/** An item as it is known, without its definitions. */
export interface KnownItem extends ItemOverrides {
  readonly server: string;
  readonly kind: ItemKind;
  /** Name, URI or URI template, as its server has it. */
  readonly name: string;
  readonly approvedDigest: string;
  readonly seenDigest: string;
  /** What looks suspicious in the definition that was seen last. */
  readonly flags: readonly string[];
  readonly firstSeenAt: Date;
  /** When the definition that was seen last was seen first. */
  readonly changedAt: Date;
}

export interface DefinedItem extends KnownItem {
  readonly approved: JsonObject;
  readonly seen: JsonObject;
}

/** What names an item. */
export type ItemKey = Pick<KnownItem, 'server' | 'kind' | 'name'>;
