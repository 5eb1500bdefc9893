import { definitionOf, type Definition } from './definition.js';
import type { DefinedItem, ItemChoice, ItemKey, KnownItem } from './item-record.js';

/** The approval and overrides of an item from an export. */
export interface RestoredItem extends ItemKey, ItemChoice {
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
interface Restoration {
  readonly changed: readonly RestoredItem[];
  readonly counts: RestoredCounts;
}

/** Compares stored items with an export. `replace` removes the overrides of stored items that it does not contain. */
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

/** The item without overrides. */
function plain({ server, kind, name, approved, seen, firstSeenAt, changedAt }: DefinedItem): RestoredItem[] {
  const [pinned, last]: (Definition | undefined)[] = [definitionOf(kind, approved), definitionOf(kind, seen)];
  if (!pinned || !last) return [];
  return [{ server, kind, name, approved: pinned, seen: last, isDisabled: false, firstSeenAt, changedAt }];
}
