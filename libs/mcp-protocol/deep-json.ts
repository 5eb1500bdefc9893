import { isJsonObject, type JsonObject, type JsonValue } from './json.js';
import { LIST_MEMBERS } from './methods.js';
import { JsonFault, MESSAGE_BOUNDS, parseJson } from './parse-json.js';

const MAX_DEPTH = MESSAGE_BOUNDS.depth;
const MAX_MEMBERS = MESSAGE_BOUNDS.membersOfObject;
/** Bounds of a list whose items that are too deep or too large are left out. It has no more members than any message. */
const LIST_BOUNDS = { ...MESSAGE_BOUNDS, depth: 1_000, membersOfObject: MESSAGE_BOUNDS.members };

/** Levels above the content of an item: the message, its result, the list, the item. */
const ITEM_LEVEL = 3;

/** What exceeds the bounds of a message. */
type Excess = 'deep' | 'large';

/** Mark an item that replaces one beyond the bounds. They are members, so that they survive the way to another worker. */
const MARKS: Readonly<Record<Excess, string>> = { deep: 'isthmus/tooDeep', large: 'isthmus/tooLarge' };

/** States which bound the item exceeded that this one replaces; of the item it has only the name or URI. */
export function excessOf(item: JsonObject): Excess | undefined {
  if (item[MARKS.deep] === true) return 'deep';
  return item[MARKS.large] === true ? 'large' : undefined;
}

const LISTS = Object.values(LIST_MEMBERS);

/**
 * Parses a message of a server like `parseJson`. In the result of a list only the items beyond the bounds are replaced
 * (`excessOf`): one of them must not cost the others.
 * @throws JsonFault
 */
export function parseServerMessage(text: string): JsonValue {
  try {
    return parseJson(text);
  } catch (fault) {
    if (!(fault instanceof JsonFault) || (fault.reason !== 'depth' && fault.reason !== 'size')) throw fault;
    const message = parseJson(text, LIST_BOUNDS);
    const result = isJsonObject(message) ? message['result'] : undefined;
    if (isJsonObject(result)) for (const list of LISTS) replaceItems(result[list]);
    if (findExcess(message, MAX_DEPTH)) throw fault;
    return message;
  }
}

function replaceItems(items: JsonValue | undefined): void {
  if (!Array.isArray(items)) return;
  items.forEach((item, index) => {
    const excess = findExcess(item, MAX_DEPTH - ITEM_LEVEL);
    if (excess) items[index] = { ...namesOf(item), [MARKS[excess]]: true };
  });
}

const ID_MEMBERS: ReadonlySet<string> = new Set(['name', 'uri', 'uriTemplate']);

function namesOf(item: JsonValue): JsonObject {
  const members = isJsonObject(item) ? Object.entries(item) : [];
  return Object.fromEntries(members.filter(([name, value]) => ID_MEMBERS.has(name) && typeof value === 'string'));
}

function findExcess(value: JsonValue | undefined, levels: number): Excess | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  if (levels === 0) return 'deep';
  const members = Array.isArray(value) ? value : isJsonObject(value) ? Object.values(value) : [];
  if (members.length > MAX_MEMBERS && !Array.isArray(value)) return 'large';
  for (const member of members) {
    const excess = findExcess(member, levels - 1);
    if (excess) return excess;
  }
  return undefined;
}
