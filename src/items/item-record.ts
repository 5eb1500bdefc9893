import type { JsonObject, LIST_MEMBERS, ListMethod } from '#lib/mcp-protocol';

/** The member of a list result that contains items of this kind. */
export type ItemKind = (typeof LIST_MEMBERS)[ListMethod];

/**
 * `approved`: the current definition equals the approved or first observed one. `changed`: the server changed the definition
 * since, and the item stays visible. `quarantined`: the server changed the definition, and the item is hidden.
 */
export type ItemStatus = 'approved' | 'changed' | 'quarantined';

/** Overrides of an item by an admin. */
export interface ItemOverrides {
  /** True when the item is unavailable to all clients. */
  readonly isDisabled: boolean;
  /** Replaces the name that the server gives the item. */
  readonly shownName?: string;
  readonly shownDescription?: string;
}

/** An item in memory, without its definitions. */
export interface KnownItem extends ItemOverrides {
  /** Slug. */
  readonly server: string;
  /** Identity of the server, which a later server of the same slug does not have. */
  readonly identity: string;
  readonly kind: ItemKind;
  /** Own name, URI or URI template at the server. */
  readonly name: string;
  readonly approvedDigest: string;
  readonly seenDigest: string;
  /** Suspicious findings in the definition that was seen last. */
  readonly flags: readonly string[];
  readonly firstSeenAt: Date;
  /** When the definition that was seen last was observed for the first time. */
  readonly changedAt: Date;
}

export interface DefinedItem extends KnownItem {
  readonly approved: JsonObject;
  readonly seen: JsonObject;
}

/** Identifies an item of a configured server by the server's slug. */
export type ItemKey = Pick<KnownItem, 'server' | 'kind' | 'name'>;
