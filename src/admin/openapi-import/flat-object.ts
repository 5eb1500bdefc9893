import { isJsonObject, type JsonObject, type JsonValue } from '#lib/mcp-protocol';
import type { ReferenceResolver } from './reference-resolver.js';
import { readRequired } from './schema-converter.js';

/** The members of an object whose schema says nothing else. */
export interface FlatObject {
  readonly members: ReadonlyMap<string, JsonValue>;
  readonly required: ReadonlySet<string>;
  /** The schema of further members. Undefined: the document does not say. */
  readonly additional: JsonValue | undefined;
}

/** Keywords that may stand beside the members. Anything else would be lost when members become arguments. */
const HARMLESS =
  /^(?:type|properties|required|additionalProperties|allOf|title|description|example|examples|default|deprecated|nullable|discriminator|xml|externalDocs|readOnly|writeOnly|\$schema|\$comment|x-.*)$/;
const MAX_PARTS = 50;

/** Returns the members of an object, also of one that is composed with `allOf`; undefined when its schema says more. */
export function toFlatObject(schema: JsonValue, references: ReferenceResolver): FlatObject | undefined {
  const members = new Map<string, JsonValue>();
  const required = new Set<string>();
  const additional: JsonValue[] = [];
  const parts: JsonValue[] = [schema];
  for (let count = 0; parts.length > 0; count += 1) {
    const part = readPart(parts.shift() ?? null, references);
    if (part === undefined || count > MAX_PARTS) return undefined;
    const { properties = {}, allOf = [], additionalProperties } = part;
    if (!isJsonObject(properties) || !Array.isArray(allOf)) return undefined;
    for (const [name, each = {}] of Object.entries(properties)) {
      const known = members.get(name);
      members.set(name, known === undefined || isSame(known, each) ? each : { allOf: [known, each] });
    }
    for (const name of readRequired(part)) required.add(name);
    if (additionalProperties !== undefined) additional.push(additionalProperties);
    parts.push(...allOf);
    // It would forbid the members of the other parts.
    if (additional.some((each) => each !== true) && (allOf.length > 0 || count > 0)) return undefined;
  }
  const hasAll = [...required].every((name) => members.has(name));
  return members.size > 0 && hasAll ? { members, required, additional: additional[0] } : undefined;
}

function readPart(part: JsonValue, references: ReferenceResolver): JsonObject | undefined {
  const schema = references.dereference(part);
  if (schema === undefined || !Object.keys(schema).every((keyword) => HARMLESS.test(keyword))) return undefined;
  const { type = 'object' } = schema;
  return type === 'object' && schema['nullable'] !== true ? schema : undefined;
}

const isSame = (one: JsonValue, other: JsonValue): boolean => JSON.stringify(one) === JSON.stringify(other);
