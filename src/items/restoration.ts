import { toDefinition, type Definition } from './definition.js';
import type { DefinedItem, ItemOverrides, ItemKey, KnownItem } from './item-record.js';

/** The approval and overrides of an item from an export. */
export interface RestoredItem extends ItemKey, ItemOverrides {
  readonly approved: Definition;
  /** The definition that was seen last at the source of the export. A definition that is stored here is kept instead. */
  readonly seen: Definition;
  readonly firstSeenAt: Date;
  readonly changedAt: Date;
}

/** Numbers of items that were created, updated, reset to no overrides, and left unchanged. */
export interface RestoredCounts {
  readonly created: number;
  readonly updated: number;
  readonly reset: number;
  readonly unchanged: number;
}

/** The items that have to be written to match an export. */
interface RestorationPlan {
  readonly changed: readonly RestoredItem[];
  readonly counts: RestoredCounts;
}

/** Compares stored items with an export. `replace` removes the overrides of stored items that it does not contain. */
export function planRestoration(
  stored: readonly DefinedItem[],
  items: readonly RestoredItem[],
  replace: boolean,
): RestorationPlan {
  const before = new Map(stored.map((item) => [toKey(item), item]));
  const named = new Set(items.map(toKey));
  const created = items.filter((item) => !before.has(toKey(item)));
  const updated = items.filter((item) => {
    const known = before.get(toKey(item));
    return known !== undefined && !isEqual(known, item);
  });
  const reset = replace
    ? stored.filter((item) => !named.has(toKey(item)) && hasOverrides(item)).flatMap(withoutOverrides)
    : [];
  const unchanged = items.length - created.length - updated.length;
  const counts = { created: created.length, updated: updated.length, reset: reset.length, unchanged };
  return { changed: [...created, ...updated, ...reset], counts };
}

const toKey = ({ server, kind, name }: ItemKey): string => JSON.stringify([server, kind, name]);

const isEqual = (known: KnownItem, { approved, isDisabled, shownName, shownDescription }: RestoredItem): boolean =>
  known.approvedDigest === approved.digest &&
  known.isDisabled === isDisabled &&
  known.shownName === shownName &&
  known.shownDescription === shownDescription;

const hasOverrides = ({ isDisabled, shownName, shownDescription }: KnownItem): boolean =>
  isDisabled || shownName !== undefined || shownDescription !== undefined;

/** The item without overrides. */
function withoutOverrides({ server, kind, name, approved, seen, firstSeenAt, changedAt }: DefinedItem): RestoredItem[] {
  const [pinned, last]: (Definition | undefined)[] = [toDefinition(kind, approved), toDefinition(kind, seen)];
  if (!pinned || !last) return [];
  return [{ server, kind, name, approved: pinned, seen: last, isDisabled: false, firstSeenAt, changedAt }];
}
