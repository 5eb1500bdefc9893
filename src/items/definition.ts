import { createHash } from 'node:crypto';
import type { ItemKind } from './item-record.js';
import { canonicalJson, isJsonObject, type JsonObject, type JsonValue } from '#lib/mcp-protocol';

/** What clients and their models go by, of any kind of item. `_meta`, icons and sizes may change. */
const PINNED_MEMBERS = [
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
export const ID_MEMBERS = {
  tools: 'name',
  prompts: 'name',
  resources: 'uri',
  resourceTemplates: 'uriTemplate',
} as const;

/** A definition, and a text that is another one for every other definition. */
export interface Definition {
  readonly name: string;
  readonly definition: JsonObject;
  readonly digest: string;
}

const definitions = new WeakMap<JsonObject, Definition>();

/** Neither of our databases keeps every name: what is longer, or holds U+0000, is no item that anybody could approve. */
const MAX_NAME_BYTES = 2_048;

/** Undefined for what is no item of that kind, and for one whose name cannot be kept. */
export function toDefinition(kind: ItemKind, item: JsonValue): Definition | undefined {
  if (!isJsonObject(item)) return undefined;
  const before = definitions.get(item);
  if (before) return before;
  const name = item[ID_MEMBERS[kind]];
  if (typeof name !== 'string' || !isStorableName(name)) return undefined;
  const members = PINNED_MEMBERS.flatMap((member) =>
    item[member] === undefined ? [] : [[member, item[member]] as const],
  );
  const definition = Object.fromEntries(members) as JsonObject;
  const digest = createHash('sha256').update(canonicalJson(definition)).digest('base64url');
  const made = { name, definition, digest };
  definitions.set(item, made);
  return made;
}

/** Whether a name, or a URI, can be kept in the database. */
export const isStorableName = (name: string): boolean =>
  !name.includes('\0') && Buffer.byteLength(name) <= MAX_NAME_BYTES;

/** One place at which two definitions differ. */
export interface Difference {
  /** `inputSchema.properties.path` */
  readonly path: string;
  readonly before?: JsonValue;
  readonly after?: JsonValue;
}

const MAX_DIFFERENCES = 200;

/** Where one definition differs from another, as deep as both are objects. */
export function findDifferences(before: JsonValue | undefined, after: JsonValue | undefined, path = ''): Difference[] {
  if (isJsonObject(before) && isJsonObject(after)) {
    const names = [...new Set([...Object.keys(before), ...Object.keys(after)])];
    const all = names.flatMap((name) =>
      findDifferences(before[name], after[name], path === '' ? name : `${path}.${name}`),
    );
    return all.slice(0, MAX_DIFFERENCES);
  }
  const isSame = before !== undefined && after !== undefined && canonicalJson(before) === canonicalJson(after);
  if (isSame || (before === undefined && after === undefined)) return [];
  return [{ path, ...(before !== undefined && { before }), ...(after !== undefined && { after }) }];
}
