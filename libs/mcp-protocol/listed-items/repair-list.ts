import type { JsonObject, JsonValue } from '../json.js';
import { LIST_MEMBERS, type ListMethod } from '../methods.js';
import type { Era } from '../neutral.js';
import { applyRules, PAGE_RULES } from './member-rules.js';
import { readNextCursor } from './next-cursor.js';
import { repairPage, type ReadableItem } from './repair-page.js';

/** One page of a list that clients can read. */
export interface RepairedList {
  /** The same object if nothing was repaired. */
  readonly result: JsonObject;
  readonly items: readonly ReadableItem[];
  /** A sentence about each repair that somebody should know of. */
  readonly warnings: readonly string[];
}

/**
 * Repairs one page of a list, so that clients can read it whatever the server lists. Returns undefined for a result without
 * its list.
 */
export function repairList(
  method: ListMethod,
  result: JsonObject,
  { serverEra, cursor }: { readonly serverEra?: Era | undefined; readonly cursor?: JsonValue | undefined } = {},
): RepairedList | undefined {
  const listed = result[LIST_MEMBERS[method]];
  if (!Array.isArray(listed)) return undefined;
  const { items, warnings } = repairPage(method, listed, serverEra);
  const { nextCursor } = result;
  const next = readNextCursor(nextCursor, cursor);
  const readable = applyRules(result, PAGE_RULES);
  const all = next.fault === undefined ? warnings : [...warnings, `${method} ends early: ${next.fault}.`];
  const isSameList = items.length === listed.length && items.every(({ item }, index) => item === listed[index]);
  if (isSameList && next.cursor === nextCursor && readable === result) return { result, items, warnings: all };
  const { nextCursor: _replaced, ...rest } = readable;
  const kept = isSameList ? listed : items.map(({ item }) => item);
  const end = next.cursor === undefined ? {} : { nextCursor: next.cursor };
  return { result: { ...rest, [LIST_MEMBERS[method]]: kept, ...end }, items, warnings: all };
}
