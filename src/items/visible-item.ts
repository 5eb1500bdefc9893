import { isJsonObject, type JsonObject, type JsonValue } from '#lib/mcp-protocol';
import type { ServerDefinition } from '../registry/index.js';
import { ID_MEMBERS, toDefinition } from './definition.js';
import type { ItemsOfList } from './item-overrides.js';
import type { ItemKind, ItemStatus, KnownItem } from './item-record.js';

/** True for the tools of a server whose `toolChanges` is `quarantine`. */
export const isQuarantining = ({ toolChanges }: ServerDefinition, kind: ItemKind): boolean =>
  kind === 'tools' && toolChanges === 'quarantine';

/** Returns an item of a list with its overrides; undefined for one that clients do not see. */
export function toVisibleItem(
  server: ServerDefinition,
  items: ItemsOfList,
  item: JsonValue,
  kind: ItemKind,
): JsonObject | undefined {
  if (!isJsonObject(item)) return undefined;
  const name = item[ID_MEMBERS[kind]];
  const known = typeof name === 'string' ? items.get(name) : undefined;
  // At a quarantining server every item was observed before, except those with unstorable names or beyond the maximum.
  if (!known) return isQuarantining(server, kind) ? undefined : item;
  if (!isVisible(known, server)) return undefined;
  // A cached page may be older than the approval.
  if (isQuarantining(server, kind) && toDefinition(kind, item)?.digest !== known.approvedDigest) return undefined;
  const { shownName, shownDescription } = known;
  if (shownName === undefined && shownDescription === undefined) return item;
  return {
    ...item,
    ...(shownName !== undefined && { name: shownName }),
    ...(shownDescription !== undefined && { description: shownDescription }),
  };
}

/** True for an item that is neither disabled nor quarantined. */
export const isVisible = (item: KnownItem, server: ServerDefinition): boolean =>
  !item.isDisabled && statusOf(item, server) !== 'quarantined';

/** @param server undefined when it is not configured any more */
export function statusOf(item: KnownItem, server: ServerDefinition | undefined): ItemStatus {
  if (item.approvedDigest === item.seenDigest) return 'approved';
  return server && isQuarantining(server, item.kind) ? 'quarantined' : 'changed';
}
