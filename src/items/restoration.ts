import { definitionOf, type Definition } from './definition.js';
import type { DefinedItem, ItemChoice, ItemKey, KnownItem } from './item-record.js';

/** An item as it was approved, and what people have said of it, elsewhere or before. */
export interface RestoredItem extends ItemKey, ItemChoice {
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
interface Restoration {
  readonly changed: readonly RestoredItem[];
  readonly counts: RestoredCounts;
}

/** With `replace` nothing is said any more of those that are not among the items. */
export function restorationOf(
  stored: readonly DefinedItem[],
  items: readonly RestoredItem[],
  replace: boolean,
): Restoration {
  const before = new Map(stored.map((item) => [keyOf(item), item]));
  const named = new Set(items.map(keyOf));
  const created = items.filter((item) => !before.has(keyOf(item)));
  const updated = items.filter((item) => {
    const known = before.get(keyOf(item));
    return known !== undefined && !isAs(known, item);
  });
  const reset = replace ? stored.filter((item) => !named.has(keyOf(item)) && isPresented(item)).flatMap(plain) : [];
  const unchanged = items.length - created.length - updated.length;
  const counts = { created: created.length, updated: updated.length, reset: reset.length, unchanged };
  return { changed: [...created, ...updated, ...reset], counts };
}

const keyOf = ({ server, kind, name }: ItemKey): string => JSON.stringify([server, kind, name]);

const isAs = (known: KnownItem, { approved, isDisabled, shownName, shownDescription }: RestoredItem): boolean =>
  known.approvedDigest === approved.digest &&
  known.isDisabled === isDisabled &&
  known.shownName === shownName &&
  known.shownDescription === shownDescription;

const isPresented = ({ isDisabled, shownName, shownDescription }: KnownItem): boolean =>
  isDisabled || shownName !== undefined || shownDescription !== undefined;

/** As its server has it. */
function plain({ server, kind, name, approved, seen, firstSeenAt, changedAt }: DefinedItem): RestoredItem[] {
  const [pinned, last]: (Definition | undefined)[] = [definitionOf(kind, approved), definitionOf(kind, seen)];
  if (!pinned || !last) return [];
  return [{ server, kind, name, approved: pinned, seen: last, isDisabled: false, firstSeenAt, changedAt }];
}
