import type { ItemsOfList, KnownItem } from './item-record.js';

const overridesCache = new WeakMap<ItemsOfList, boolean>();
const shownNamesCache = new WeakMap<ItemsOfList, ReadonlyMap<string, KnownItem>>();

/** True when any item of the list has overrides. */
export function hasOverrides(items: ItemsOfList): boolean {
  const before = overridesCache.get(items);
  if (before !== undefined) return before;
  const hasAny = [...items.values()].some(
    (item) => item.isDisabled || item.shownName !== undefined || item.shownDescription !== undefined,
  );
  overridesCache.set(items, hasAny);
  return hasAny;
}

/** Indexes renamed items by their shown names. */
export function indexByShownName(items: ItemsOfList): ReadonlyMap<string, KnownItem> {
  const before = shownNamesCache.get(items);
  if (before) return before;
  const names = new Map(
    [...items.values()].flatMap((item) => (item.shownName === undefined ? [] : [[item.shownName, item] as const])),
  );
  shownNamesCache.set(items, names);
  return names;
}
