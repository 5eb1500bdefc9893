import { createHash } from 'node:crypto';
import { TOO_LONG } from './definition-scan.js';
import type { ItemKind } from './item-record.js';
import { originalOf } from './original-items.js';
import {
  canonicalJson,
  isJsonObject,
  needsEnvelope,
  toEnvelopeSchema,
  type JsonObject,
  type JsonValue,
} from '#lib/mcp-protocol';

/** The pinned members: those that clients and models act on. `_meta`, icons and sizes may change. */
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

/** A definition with its digest. */
export interface Definition {
  readonly name: string;
  readonly definition: JsonObject;
  readonly digest: string;
}

const definitions = new WeakMap<JsonObject, Definition>();

/** Not every name can be stored in both databases: longer names and names with U+0000 cannot be approved. */
const MAX_NAME_BYTES = 2_048;

/** Maximum length of a stored definition as JSON. Of a longer one the digest is stored, which is enough to detect a change. */
const MAX_DEFINITION_LENGTH = 128 * 1024;

/** Returns undefined for a malformed item and for one whose name cannot be stored. */
export function toDefinition(kind: ItemKind, listed: JsonValue): Definition | undefined {
  if (!isJsonObject(listed)) return undefined;
  const item = originalOf(listed);
  const before = definitions.get(item);
  if (before) return before;
  const name = item[ID_MEMBERS[kind]];
  if (typeof name !== 'string' || !isStorableName(name)) return undefined;
  const members = PINNED_MEMBERS.flatMap((member) =>
    item[member] === undefined ? [] : [[member, toPinned(member, item[member])] as const],
  );
  const definition = Object.fromEntries(members) as JsonObject;
  const text = canonicalJson(definition);
  const digest = createHash('sha256').update(text).digest('base64url');
  const isTooLong = text.length > MAX_DEFINITION_LENGTH;
  const made = {
    name,
    definition: isTooLong ? { [ID_MEMBERS[kind]]: name, description: TOO_LONG } : definition,
    digest,
  };
  definitions.set(item, made);
  return made;
}

/**
 * A server of both eras lists an output schema that is no object in an envelope for its legacy clients. The pinned form is the
 * envelope in both eras, so that a definition does not change with the client that lists it (decision 46).
 */
const toPinned = (member: (typeof PINNED_MEMBERS)[number], value: JsonValue): JsonValue =>
  member === 'outputSchema' && needsEnvelope(value) ? toEnvelopeSchema(value) : value;

/** True when a name or URI can be stored in the database. */
export const isStorableName = (name: string): boolean =>
  !name.includes('\0') && Buffer.byteLength(name) <= MAX_NAME_BYTES;

/** One difference between two definitions. */
export interface Difference {
  /** `inputSchema.properties.path` */
  readonly path: string;
  readonly before?: JsonValue;
  readonly after?: JsonValue;
}

const MAX_DIFFERENCES = 200;

/** Lists the differences between two definitions, recursively through objects. */
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
