import type { KnownItem } from './item-record.js';

/** The items of one list by their own names. */
export type ItemsOfList = ReadonlyMap<string, KnownItem>;

/** Equal for equal overrides and change marks. */
export const toOverridesText = (items: ItemsOfList | undefined): string =>
  JSON.stringify(
    [...(items?.values() ?? [])]
      .filter(
        (item) =>
          item.isDisabled || item.shownName !== undefined || item.shownDescription !== undefined || isChanged(item),
      )
      .map((item) => [item.name, item.isDisabled, item.shownName, item.shownDescription, isChanged(item)])
      .toSorted(([one], [other]) => (String(one) < String(other) ? -1 : 1)),
  );

const isChanged = ({ approvedDigest, seenDigest }: KnownItem): boolean => approvedDigest !== seenDigest;

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
