import { createHash } from 'node:crypto';
import type { ItemKind } from './item-record.js';
import { canonicalJson, isJsonObject, type JsonObject, type JsonValue } from '#lib/mcp-protocol';

/** The pinned members: those that clients and models act on. `_meta`, icons and sizes may change. */
const MEMBERS = [
  'name',
  'uri',
  'uriTemplate',
  'title',
  'description',
  'inputSchema',
  'outputSchema',
  'annotations',
  'arguments',
  'mimeType',
] as const;

/** The member that identifies an item of each kind. */
export const LABELS = { tools: 'name', prompts: 'name', resources: 'uri', resourceTemplates: 'uriTemplate' } as const;

/** A definition with its digest. */
export interface Definition {
  readonly name: string;
  readonly definition: JsonObject;
  readonly digest: string;
}

const known = new WeakMap<JsonObject, Definition>();

/** Not every name can be stored in both databases: longer names and names with U+0000 cannot be approved. */
const LONGEST_NAME_BYTES = 2_048;

/** Returns undefined for a malformed item and for one whose name cannot be stored. */
export function definitionOf(kind: ItemKind, item: JsonValue): Definition | undefined {
  if (!isJsonObject(item)) return undefined;
  const before = known.get(item);
  if (before) return before;
  const name = item[LABELS[kind]];
  if (typeof name !== 'string' || !isKeepable(name)) return undefined;
  const members = MEMBERS.flatMap((member) => (item[member] === undefined ? [] : [[member, item[member]] as const]));
  const definition = Object.fromEntries(members) as JsonObject;
  const digest = createHash('sha256').update(canonicalJson(definition)).digest('base64url');
  const made = { name, definition, digest };
  known.set(item, made);
  return made;
}

/** True when a name or URI can be stored in the database. */
export const isKeepable = (name: string): boolean =>
  !name.includes('\0') && Buffer.byteLength(name) <= LONGEST_NAME_BYTES;

/** One difference between two definitions. */
export interface Difference {
  /** `inputSchema.properties.path` */
  readonly path: string;
  readonly before?: JsonValue;
  readonly after?: JsonValue;
}

const MOST_DIFFERENCES = 200;

/** Lists the differences between two definitions, recursively through objects. */
export function differencesOf(before: JsonValue | undefined, after: JsonValue | undefined, path = ''): Difference[] {
  if (isJsonObject(before) && isJsonObject(after)) {
    const names = [...new Set([...Object.keys(before), ...Object.keys(after)])];
    const all = names.flatMap((name) =>
      differencesOf(before[name], after[name], path === '' ? name : `${path}.${name}`),
    );
    return all.slice(0, MOST_DIFFERENCES);
  }
  const isSame = before !== undefined && after !== undefined && canonicalJson(before) === canonicalJson(after);
  if (isSame || (before === undefined && after === undefined)) return [];
  return [{ path, ...(before !== undefined && { before }), ...(after !== undefined && { after }) }];
}
