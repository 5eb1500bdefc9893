import { SchemaFault, validateSchema } from '#lib/json-schema';
import { isJsonObject, type JsonObject, type JsonValue } from '#lib/mcp-protocol';
import { ReferenceFault } from './reference-resolver.js';

/** Converts the tool of an OpenAPI 3.0 operation to JSON Schema, in which a few keywords have another form. */
export function toJsonSchemas(tool: JsonObject): JsonObject {
  const { inputSchema, outputSchema, ...rest } = tool;
  return {
    ...rest,
    ...(inputSchema !== undefined && { inputSchema: toJsonSchema(inputSchema) }),
    ...(outputSchema !== undefined && { outputSchema: toJsonSchema(outputSchema) }),
  };
}

function toJsonSchema(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map(toJsonSchema);
  if (!isJsonObject(value)) return value;
  const members = Object.entries(value).map(([name, member]) => [
    name,
    member === undefined ? null : toJsonSchema(member),
  ]);
  return withNull(withExclusiveBounds(Object.fromEntries(members) as JsonObject));
}

/** OpenAPI 3.0 marks a bound as exclusive; JSON Schema has a keyword for exclusive bounds. */
function withExclusiveBounds(schema: JsonObject): JsonObject {
  const { exclusiveMinimum, exclusiveMaximum, minimum, maximum } = schema;
  const { ...converted } = schema;
  if (typeof exclusiveMinimum === 'boolean') delete converted['exclusiveMinimum'];
  if (typeof exclusiveMaximum === 'boolean') delete converted['exclusiveMaximum'];
  if (exclusiveMinimum === true && minimum !== undefined) {
    delete converted['minimum'];
    converted['exclusiveMinimum'] = minimum;
  }
  if (exclusiveMaximum === true && maximum !== undefined) {
    delete converted['maximum'];
    converted['exclusiveMaximum'] = maximum;
  }
  return converted;
}

function withNull(schema: JsonObject): JsonObject {
  const { nullable, ...converted } = schema;
  if (typeof nullable !== 'boolean') return schema;
  const { type, enum: values } = converted;
  if (!nullable || typeof type !== 'string') return converted;
  if (Array.isArray(values) && !values.includes(null)) converted['enum'] = [...values, null];
  return { ...converted, type: [type, 'null'] };
}

/** @throws ReferenceFault when the arguments of the tool could not be validated */
export function requireValidSchema({ inputSchema }: JsonObject): void {
  if (!isJsonObject(inputSchema)) return;
  try {
    validateSchema(inputSchema);
  } catch (fault) {
    if (fault instanceof SchemaFault) throw new ReferenceFault(`the schema of its arguments ${fault.message}`);
    throw fault;
  }
}
