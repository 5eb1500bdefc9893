import type { ValidateFunction } from 'ajv';
import { isJsonObject, type JsonObject, type JsonValue } from '#lib/mcp-protocol';
import { startBudget, TooMuchWork } from './check-budget.js';
import { describeFault } from './describe-fault.js';
import { toPlainValue } from './plain-value.js';
import { RecentMap } from './recent-map.js';
import { SchemaFault } from './schema-fault.js';
import { mapSchemas } from './subschemas.js';
import { describeMissing, validateSchema } from './validate-schema.js';
import { validatorOf, WORK_KEYWORD } from './validators.js';

/** Returns the fault of a value in one sentence that names the argument and the rule, or undefined for a valid value. */
export type SchemaCheck = (value: JsonValue) => string | undefined;

/** Maximum number of compiled schemas that are kept; the one that was used least recently is evicted. */
const MAX_COMPILED = 1_000;
/** Work of applying a schema, and of one that may fail: describing the failure takes most of the time. */
const WORK_PER_SCHEMA = 2;
const WORK_PER_ALTERNATIVE = 40;

const compiled = new RecentMap<SchemaCheck>(MAX_COMPILED);

/**
 * Compiles a schema (JSON Schema 2020-12, or draft 6 and 7 if `$schema` names them), which blocks for up to 100 ms: for a schema
 * that is about to be used. Compiled schemas are kept. A check that would take too long ends with a fault.
 * @throws SchemaFault when the schema is invalid or too large
 */
export function compileSchema(schema: JsonObject): SchemaCheck {
  const digest = validateSchema(schema);
  const known = compiled.get(digest);
  if (known) return known;
  const check = toCheck(compile(toPlainValue(schema) as JsonObject));
  compiled.set(digest, check);
  return check;
}

function toCheck(validate: ValidateFunction): SchemaCheck {
  return (value) => {
    try {
      if (isValid(validate, value)) return undefined;
    } catch (error) {
      if (error instanceof TooMuchWork) return 'The arguments are too large for the schema of this tool.';
      // A schema that refers to itself without end.
      if (!(error instanceof RangeError)) throw error;
    }
    const [error] = validate.errors ?? [];
    return error ? describeFault(error) : 'params.arguments cannot be checked against the schema of the tool.';
  };
}

function isValid(validate: ValidateFunction, value: JsonValue): boolean {
  validate.errors = null;
  startBudget();
  return validate(toPlainValue(value));
}

function compile(given: JsonObject): ValidateFunction {
  const validator = validatorOf(given);
  const { $schema: _dialect, ...schema } = mapSchemas(given, withWork);
  try {
    return validator.compile(schema);
  } catch (error) {
    if (error instanceof SchemaFault) throw error;
    const reference = error instanceof Error && 'missingRef' in error ? String(error.missingRef) : undefined;
    throw new SchemaFault(reference === undefined ? 'is not a valid JSON Schema.' : describeMissing(reference));
  } finally {
    // The validator would keep every schema for ever.
    validator.removeSchema(schema);
    if (typeof schema['$id'] === 'string') validator.removeSchema(schema['$id']);
  }
}

function withWork(schema: JsonObject, isAlternative: boolean): JsonObject {
  const { properties, required, enum: values } = schema;
  const lists = [required, values].map((list) => (Array.isArray(list) ? list.length : 0));
  const names = isJsonObject(properties) ? Object.keys(properties).length : 0;
  const size = lists.reduce((sum, length) => sum + length, names);
  return { ...schema, [WORK_KEYWORD]: (isAlternative ? WORK_PER_ALTERNATIVE : WORK_PER_SCHEMA) + size / 10 };
}
