import { createHash } from 'node:crypto';
import { Ajv, type Options, type ValidateFunction } from 'ajv';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { canonicalJson, type JsonObject, type JsonValue } from '#lib/mcp-protocol';
import { describeFault } from './describe-fault.js';
import { compileLinearPattern } from './linear-pattern.js';
import { toPlainValue } from './plain-value.js';
import { SchemaFault } from './schema-fault.js';

export { SchemaFault };

/** Returns the fault of a value in one sentence that names the argument and the rule, or undefined for a valid value. */
export type SchemaCheck = (value: JsonValue) => string | undefined;

/** Maximum length of a schema as JSON text. Compiling takes about a microsecond per byte, and blocks other work. */
const MAX_SCHEMA_LENGTH = 256 * 1024;
/** Maximum number of compiled schemas that are kept; the one that was compiled first is evicted. */
const MAX_COMPILED = 1_000;

const DRAFT_7 = /^https?:\/\/json-schema\.org\/draft-0[67]\/schema#?$/;

const regExp = Object.assign((pattern: string) => compileLinearPattern(pattern), { code: 'compileLinearPattern' });

const OPTIONS: Options = {
  strict: false,
  logger: false,
  // `format` is an annotation (JSON Schema Validation 2020-12, section 7.2.1).
  validateFormats: false,
  ownProperties: true,
  // Inlining repeated references could grow the code exponentially.
  inlineRefs: false,
  code: { regExp },
};

const compiled = new Map<string, SchemaCheck>();

/**
 * Compiles a schema (JSON Schema 2020-12, or draft 6 and 7 if `$schema` names them). Compiled schemas are kept.
 * @throws SchemaFault when the schema is invalid or too large
 */
export function compileSchema(schema: JsonObject): SchemaCheck {
  const text = JSON.stringify(schema);
  if (text.length > MAX_SCHEMA_LENGTH) {
    throw new SchemaFault(`is too large. A schema may have at most ${MAX_SCHEMA_LENGTH / 1024} KiB.`);
  }
  const key = createHash('sha256').update(text).digest('base64');
  const known = compiled.get(key);
  if (known) return known;
  const check = toCheck(compile(toPlainValue(schema) as JsonObject));
  const [oldest] = compiled.keys();
  if (compiled.size >= MAX_COMPILED && oldest !== undefined) compiled.delete(oldest);
  compiled.set(key, check);
  return check;
}

function toCheck(validate: ValidateFunction): SchemaCheck {
  return (value) => {
    if (isValid(validate, value)) return undefined;
    const [error] = validate.errors ?? [];
    return error ? describeFault(error) : 'params.arguments cannot be checked against the schema of the tool.';
  };
}

function isValid(validate: ValidateFunction, value: JsonValue): boolean {
  validate.errors = null;
  try {
    return validate(toPlainValue(value));
  } catch (error) {
    // A schema that refers to itself without end.
    if (error instanceof RangeError) return false;
    throw error;
  }
}

function compile({ $schema: dialect, ...schema }: JsonObject): ValidateFunction {
  const validator = typeof dialect === 'string' && DRAFT_7.test(dialect) ? draft7() : draft2020();
  try {
    return validator.compile(schema);
  } catch (error) {
    if (error instanceof SchemaFault) throw error;
    throw new SchemaFault(toReason(validator, error));
  } finally {
    // The validator would keep every schema for ever.
    validator.removeSchema(schema);
    if (typeof schema['$id'] === 'string') validator.removeSchema(schema['$id']);
  }
}

function toReason(validator: Ajv, error: unknown): string {
  const reference = error instanceof Error && 'missingRef' in error ? String(error.missingRef) : undefined;
  if (reference !== undefined)
    return `refers to ${JSON.stringify(reference.slice(0, 100))}, which it does not contain.`;
  const [first] = validator.errors ?? [];
  if (!first) return 'is not a valid JSON Schema.';
  const where = first.instancePath === '' ? 'at its root' : `at ${first.instancePath.slice(0, 100)}`;
  return `is not a valid JSON Schema: the keyword ${where} has a value that is not allowed.`;
}

let known2020: Ajv | undefined;
let known7: Ajv | undefined;

/** Created on first use: most gateways have no tools of their own. */
const draft2020 = (): Ajv => (known2020 ??= withLinearKeywords(new Ajv2020(OPTIONS)));
const draft7 = (): Ajv => (known7 ??= withLinearKeywords(new Ajv(OPTIONS)));

/** Replaces a keyword whose built-in form compares each item with each other one. */
function withLinearKeywords(validator: Ajv): Ajv {
  validator.removeKeyword('uniqueItems');
  return validator.addKeyword({
    keyword: 'uniqueItems',
    type: 'array',
    schemaType: 'boolean',
    validate: (isRequired: boolean, items: readonly JsonValue[]) =>
      !isRequired || new Set(items.map(canonicalJson)).size === items.length,
  });
}
