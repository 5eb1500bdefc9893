import type { Ajv } from 'ajv';
import { createHash } from 'node:crypto';
import { isJsonObject, resolvePointer, type JsonObject } from '#lib/mcp-protocol';
import { startBudget } from './check-budget.js';
import { compileLinearPattern } from './linear-pattern.js';
import { toPlainValue } from './plain-value.js';
import { RecentMap } from './recent-map.js';
import { SchemaFault } from './schema-fault.js';
import { subschemasOf } from './subschemas.js';
import { validatorOf } from './validators.js';

/** Maximum length of a schema as JSON text. Compiling takes about a microsecond per byte, and blocks other work. */
export const MAX_SCHEMA_LENGTH = 64 * 1024;
/** Maximum number of digests of valid schemas that are kept. */
const MAX_VALID = 20_000;

const valid = new RecentMap<true>(MAX_VALID);

/**
 * Validates a schema (JSON Schema 2020-12, or draft 6 and 7 if `$schema` names them) against its meta-schema, and its patterns
 * and references, without compiling it. A schema that was valid before is not validated again. Returns its digest.
 * @throws SchemaFault when the schema is invalid or too large
 */
export function validateSchema(schema: JsonObject): string {
  const text = JSON.stringify(schema);
  if (Buffer.byteLength(text) > MAX_SCHEMA_LENGTH) {
    throw new SchemaFault(`is too large. A schema may have at most ${MAX_SCHEMA_LENGTH / 1024} KiB.`);
  }
  const digest = createHash('sha256').update(text).digest('base64');
  if (valid.get(digest) !== undefined) return digest;
  const { $schema: _dialect, ...plain } = toPlainValue(schema) as JsonObject;
  const validator = validatorOf(schema);
  // The meta-schema has patterns, whose work is counted too: at most a fraction of the budget for a schema of this length.
  startBudget();
  if (validator.validateSchema(plain) !== true) throw new SchemaFault(describeInvalid(validator));
  validateParts(plain, text, validator);
  valid.set(digest, true);
  return digest;
}

export const describeMissing = (reference: string): string =>
  `refers to ${JSON.stringify(reference.slice(0, 100).toWellFormed())}, which it does not contain.`;

function describeInvalid(validator: Ajv): string {
  const [first] = validator.errors ?? [];
  if (!first) return 'is not a valid JSON Schema.';
  const where = first.instancePath === '' ? 'at its root' : `at ${first.instancePath.slice(0, 100).toWellFormed()}`;
  return `is not a valid JSON Schema: the keyword ${where} has a value that is not allowed.`;
}

/** Validates the patterns and references of every schema that can apply. */
function validateParts(root: JsonObject, text: string, validator: Ajv): void {
  const patterns = new Set<string>();
  const schemas = new Set([root]);
  // A set yields the members that are added while it is iterated.
  for (const schema of schemas) {
    const { pattern, patternProperties, $ref: reference } = schema;
    if (typeof pattern === 'string') patterns.add(pattern);
    if (isJsonObject(patternProperties)) for (const name of Object.keys(patternProperties)) patterns.add(name);
    if (Object.hasOwn(schema, 'id')) throw new SchemaFault('has the keyword "id" of an old draft. Use "$id".');
    for (const below of subschemasOf(schema)) schemas.add(below);
    if (typeof reference !== 'string') continue;
    const referred = resolvePointer(root, reference);
    if (isJsonObject(referred)) schemas.add(referred);
    if (!canResolve(root, text, reference, validator)) throw new SchemaFault(describeMissing(reference));
  }
  for (const pattern of patterns) compileLinearPattern(pattern);
}

/** Returns false for a reference that leads nowhere. Names and ids within the schema are resolved when it is compiled. */
function canResolve(root: JsonObject, text: string, reference: string, validator: Ajv): boolean {
  if (reference === '#') return true;
  const hasIds = text.includes('"$id"');
  if (!reference.startsWith('#')) return hasIds || reference.replace(/#$/, '') in validator.refs;
  if (!reference.startsWith('#/')) return hasIds || text.includes('"$anchor"') || text.includes('"$dynamicAnchor"');
  const hasInnerIds = hasIds && text.split('"$id"', 3).length > (Object.hasOwn(root, '$id') ? 2 : 1);
  return hasInnerIds || resolvePointer(root, reference) !== undefined;
}
