import { isJsonObject, type JsonObject, type JsonValue } from './json.js';
import { LIST_MEMBERS } from './methods.js';
import { JsonFault, MESSAGE_BOUNDS, parseJson } from './parse-json.js';

const MAX_DEPTH = MESSAGE_BOUNDS.depth;
/** Bounds of a list whose items that are nested too deeply are left out. */
const LIST_BOUNDS = { ...MESSAGE_BOUNDS, depth: 1_000 };

/** Levels above the content of an item: the message, its result, the list, the item. */
const ITEM_LEVEL = 3;

/** Marks an item that replaces one that is nested too deeply. It is a member, so that it survives the way to another worker. */
const TOO_DEEP = 'isthmus/tooDeep';

/** True for the replacement of an item that is nested too deeply; of the item it has only the name or URI. */
export const isTooDeep = (item: JsonObject): boolean => item[TOO_DEEP] === true;

const LISTS = Object.values(LIST_MEMBERS);

/**
 * Parses a message of a server like `parseJson`. In the result of a list only the items that are nested too deeply are
 * replaced (`isTooDeep`): one of them must not cost the others.
 * @throws JsonFault
 */
export function parseServerMessage(text: string): JsonValue {
  try {
    return parseJson(text);
  } catch (fault) {
    if (!(fault instanceof JsonFault) || fault.reason !== 'depth') throw fault;
    const message = parseJson(text, LIST_BOUNDS);
    const result = isJsonObject(message) ? message['result'] : undefined;
    if (isJsonObject(result)) for (const list of LISTS) replaceDeepItems(result[list]);
    if (isDeeper(message, MAX_DEPTH)) throw fault;
    return message;
  }
}

function replaceDeepItems(items: JsonValue | undefined): void {
  if (!Array.isArray(items)) return;
  items.forEach((item, index) => {
    if (isDeeper(item, MAX_DEPTH - ITEM_LEVEL)) items[index] = { ...namesOf(item), [TOO_DEEP]: true };
  });
}

const ID_MEMBERS: ReadonlySet<string> = new Set(['name', 'uri', 'uriTemplate']);

function namesOf(item: JsonValue): JsonObject {
  const members = isJsonObject(item) ? Object.entries(item) : [];
  return Object.fromEntries(members.filter(([name, value]) => ID_MEMBERS.has(name) && typeof value === 'string'));
}

function isDeeper(value: JsonValue | undefined, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (levels === 0) return true;
  const members = Array.isArray(value) ? value : isJsonObject(value) ? Object.values(value) : [];
  return members.some((member) => isDeeper(member, levels - 1));
}
