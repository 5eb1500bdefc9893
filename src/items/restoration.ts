import { toDefinition, type Definition } from './definition.js';
import type { DefinedItem, ItemOverrides, ItemKey, KnownItem } from './item-record.js';

/** An item as it was approved, and what people have said of it, elsewhere or before. */
export interface RestoredItem extends ItemKey, ItemOverrides {
  readonly approved: Definition;
  /** As it was seen last, where that was. What is seen here counts more. */
  readonly seen: Definition;
  readonly firstSeenAt: Date;
  readonly changedAt: Date;
}

/** How many items there are now that were not, that are otherwise, of which nothing is said any more, and that are as they were. */
export interface RestoredCounts {
  readonly created: number;
  readonly updated: number;
  readonly reset: number;
  readonly unchanged: number;
}

/** What has to be written so that items are as they were approved and presented elsewhere. */
interface RestorationPlan {
  readonly changed: readonly RestoredItem[];
  readonly counts: RestoredCounts;
}

/** With `replace` nothing is said any more of those that are not among the items. */
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

/** As its server has it. */
function withoutOverrides({ server, kind, name, approved, seen, firstSeenAt, changedAt }: DefinedItem): RestoredItem[] {
  const [pinned, last]: (Definition | undefined)[] = [toDefinition(kind, approved), toDefinition(kind, seen)];
  if (!pinned || !last) return [];
  return [{ server, kind, name, approved: pinned, seen: last, isDisabled: false, firstSeenAt, changedAt }];
}
