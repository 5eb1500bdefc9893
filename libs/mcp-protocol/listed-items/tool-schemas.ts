import { isJsonObject, type JsonObject, type JsonValue } from '../json.js';
import { resolvePointer } from '../json-pointer.js';
import { isResolvable } from './references.js';
import type { RepairNotes } from './repair-notes.js';
import { repairSchema } from './schema-repair.js';

/** The schema of a tool that takes any arguments. */
const ANY_ARGUMENTS: JsonObject = { type: 'object' };

/** Maximum number of steps to find out whether a schema accepts objects only. */
const MAX_STEPS = 8;
export const TOO_LARGE = 'its definition is too large';

/** Returns the schema of the arguments, which are always an object, or the reason why the tool cannot be listed. */
export function repairInputSchema(
  value: JsonValue | undefined,
  notes: RepairNotes,
): { readonly schema: JsonObject } | { readonly fault: string } {
  if (value === undefined || value === null || value === true || (Array.isArray(value) && value.length === 0)) {
    notes.add('its inputSchema was missing');
    return { schema: ANY_ARGUMENTS };
  }
  if (!isJsonObject(value)) return { fault: 'its inputSchema is not an object' };
  const { type } = value;
  if (!canBeObject(type)) return { fault: 'the type of its inputSchema is not object' };
  if (type !== 'object') notes.add('the type of its inputSchema was not "object"');
  const { schema, isTooLarge } = repairSchema(
    'inputSchema',
    type === 'object' ? value : { ...value, type: 'object' },
    notes,
  );
  return isTooLarge ? { fault: TOO_LARGE } : { schema };
}

/**
 * Returns the schema of the result as clients can compile it; undefined without one. Without its schema, a tool can still be
 * called. The results of a server of the legacy era are always objects.
 */
export function repairOutputSchema(
  value: JsonValue,
  { notes, isAlwaysObject }: { readonly notes: RepairNotes; readonly isAlwaysObject: boolean },
): JsonObject | undefined {
  const remove = (why: string): undefined => {
    notes.add(`its outputSchema was removed because it ${why}`);
  };
  if (!isJsonObject(value)) return remove('is not an object');
  const repaired = repairSchema('outputSchema', value, notes);
  const { schema, isTooLarge } = repaired;
  if (isTooLarge) return remove('is too large');
  if (!isResolvable(schema, repaired)) return remove('has a reference that leads nowhere');
  const { type } = schema;
  const isObject = isAlwaysObject ? canBeObject(type) : type === undefined && isSurelyObject(schema, schema);
  return isObject && type !== 'object' ? { ...schema, type: 'object' } : schema;
}

function canBeObject(type: JsonValue | undefined): boolean {
  if (type === undefined || type === null) return true;
  const types = Array.isArray(type) ? type : [type];
  return types.some((each) => typeof each === 'string' && each.toLowerCase() === 'object');
}

/** True if a schema accepts objects only, as far as its own keywords show it. */
function isSurelyObject(schema: JsonValue | undefined, root: JsonObject, depth = 0): boolean {
  if (!isJsonObject(schema) || depth > MAX_STEPS) return false;
  const { type, $ref: reference, allOf, anyOf, oneOf } = schema;
  if (type !== undefined) return type === 'object';
  const isObject = (each: JsonValue | undefined) => isSurelyObject(each, root, depth + 1);
  if (typeof reference === 'string' && isObject(resolvePointer(root, reference))) return true;
  if (Array.isArray(allOf) && allOf.some(isObject)) return true;
  return [anyOf, oneOf].some((list) => Array.isArray(list) && list.length > 0 && list.every(isObject));
}
