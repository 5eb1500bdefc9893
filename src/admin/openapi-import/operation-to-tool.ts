import { MAX_SCHEMA_LENGTH, SchemaFault, validateSchema } from '#lib/json-schema';
import { isJsonObject, type JsonObject, type JsonValue } from '#lib/mcp-protocol';
import { mapBody } from './map-body.js';
import { mapParameters } from './map-parameters.js';
import { readResult } from './map-results.js';
import type { Operation } from './operation.js';
import { ImportFault } from './reference-resolver.js';
import { SchemaConverter, SchemaTooLarge, type ConversionOptions, type SchemaSource } from './schema-converter.js';
import type { SecurityScheme } from './security-schemes.js';
import { newDraft, type SkippedPart, type ToolDraft } from './tool-draft.js';

const MAX_NAME_LENGTH = 64;
const MAX_TITLE_LENGTH = 200;
const MAX_DESCRIPTION_LENGTH = 4_000;

/** Length up to which references are written out, because models read such schemas best. */
const MAX_WRITTEN_LENGTH = 16 * 1024;
const MAX_WRITTEN_SCHEMAS = 1_000;

/** Clients compile the schemas of all results when they list tools. */
const MAX_OUTPUT_LENGTH = 8 * 1024;

/** A form of a schema, and the length that it may have in this form. */
interface SchemaForm extends Omit<ConversionOptions, 'direction'> {
  readonly maxLength: number;
}

const toCutForm =
  (maxLength: number) =>
  (maxDepth: number): SchemaForm => ({ isTerse: true, maxDepth, maxLength });

/** Forms from the most to the least detailed one. */
const FORMS: Readonly<Record<ConversionOptions['direction'], readonly SchemaForm[]>> = {
  input: [
    { maxNodes: MAX_WRITTEN_SCHEMAS, maxLength: MAX_WRITTEN_LENGTH },
    { isShared: true, maxLength: MAX_SCHEMA_LENGTH },
    { isShared: true, isTerse: true, maxLength: MAX_SCHEMA_LENGTH },
    ...[10, 8, 7, 6, 5, 4, 3, 2, 1].map(toCutForm(MAX_SCHEMA_LENGTH)),
  ],
  output: [
    { maxNodes: MAX_WRITTEN_SCHEMAS, maxLength: MAX_OUTPUT_LENGTH },
    { isShared: true, isTerse: true, maxLength: MAX_OUTPUT_LENGTH },
    ...[5, 4, 3, 2, 1].map(toCutForm(MAX_OUTPUT_LENGTH)),
  ],
};

/** The entry of a tool, and the parts of its operation that are not in it. */
export interface ImportedTool {
  readonly tool: JsonObject;
  readonly skipped: readonly SkippedPart[];
}

/** Converts the operation id, or the verb and path, to a valid tool name. */
export const toToolName = ({ verb, path, operation }: Operation): string => {
  const { operationId } = operation;
  const name = typeof operationId === 'string' && operationId !== '' ? operationId : `${verb}${path}`;
  return name
    .replaceAll(/[^\w.-]+/g, '_')
    .replaceAll(/^_+|_+$/g, '')
    .slice(0, MAX_NAME_LENGTH);
};

/**
 * Converts an operation to the entry of a tool (docs/configuration.md).
 * @throws ImportFault when the operation cannot become a tool
 */
export function toTool(
  operation: Operation,
  source: SchemaSource,
  url: string | undefined,
  schemes: readonly SecurityScheme[],
): ImportedTool {
  const { draft, inputSchema } = buildInput(operation, source, schemes);
  const { schema, accept } = readResult(operation.operation, source.references);
  const { outputSchema, skipped } = buildOutput(schema, source);
  const { query, path, requestBody } = draft.members;
  const { parameters } = draft;
  const tool = {
    ...describe(operation.operation),
    method: operation.verb,
    ...(url !== undefined && { url }),
    path,
    inputSchema,
    ...(query !== undefined && { query }),
    ...(Object.keys(parameters).length > 0 && { parameters }),
    ...(requestBody !== undefined && { requestBody }),
    ...(accept !== undefined && { accept }),
    ...(outputSchema && { outputSchema }),
  };
  return { tool, skipped: [...draft.skipped, ...skipped] };
}

function describe({ description, summary }: JsonObject): JsonObject {
  const text = [description, summary].find((each) => typeof each === 'string' && each !== '');
  return {
    ...(typeof summary === 'string' && summary !== '' && { title: summary.slice(0, MAX_TITLE_LENGTH).toWellFormed() }),
    ...(typeof text === 'string' && { description: text.slice(0, MAX_DESCRIPTION_LENGTH).toWellFormed() }),
  };
}

function buildInput(
  { operation, parameters, path, verb }: Operation,
  source: SchemaSource,
  schemes: readonly SecurityScheme[],
): { readonly draft: ToolDraft; readonly inputSchema: JsonObject } {
  const built = inFirstForm('input', source, (converter) => {
    const draft = newDraft(source, converter);
    mapParameters(draft, parameters, path, schemes);
    mapBody(draft, verb, operation);
    const { properties, required, rules } = draft;
    const schema = { type: 'object', properties, ...(required.length > 0 && { required }), ...rules };
    return { draft, schema: withDefinitions(schema, converter) };
  });
  if (built === undefined) throw new ImportFault('the schema of its arguments is too large');
  requireValid(built.schema, 'the schema of its arguments');
  built.draft.skipped.push(...toSkippedParts(built, 'inputSchema'));
  return { draft: built.draft, inputSchema: built.schema };
}

function buildOutput(
  schema: JsonValue | undefined,
  source: SchemaSource,
): { readonly outputSchema?: JsonObject; readonly skipped: readonly SkippedPart[] } {
  if (schema === undefined || !isObjectSchema(schema, source)) return { skipped: [] };
  try {
    const built = inFirstForm('output', source, (converter) => {
      const converted = converter.convert(toWritten(schema, source));
      const whole = { ...(isJsonObject(converted) && converted), type: 'object' };
      return { schema: withDefinitions(whole, converter) };
    });
    if (built === undefined) throw new ImportFault('it is too large');
    requireValid(built.schema, 'it');
    return { outputSchema: built.schema, skipped: toSkippedParts(built, 'outputSchema') };
  } catch (cause) {
    if (cause instanceof ImportFault) return { skipped: [{ part: 'outputSchema', reason: cause.message }] };
    throw cause;
  }
}

interface Built {
  readonly schema: JsonObject;
  readonly form: SchemaForm;
  readonly dropped: ReadonlySet<string>;
}

/** Builds a schema in the first form in which it is small enough. Undefined when it is too large in every form. */
function inFirstForm<T extends { readonly schema: JsonObject }>(
  direction: ConversionOptions['direction'],
  source: SchemaSource,
  build: (converter: SchemaConverter) => T,
): (T & Built) | undefined {
  for (const form of FORMS[direction]) {
    const converter = new SchemaConverter(source, { direction, ...form });
    try {
      const built = build(converter);
      const isSmall = Buffer.byteLength(JSON.stringify(built.schema)) <= form.maxLength;
      if (isSmall) return { ...built, form, dropped: converter.dropped };
    } catch (cause) {
      if (!(cause instanceof SchemaTooLarge)) throw cause;
    }
  }
  return undefined;
}

function toSkippedParts({ form, dropped }: Built, part: string): SkippedPart[] {
  const patterns = [...dropped].map((each) => ({
    part: `${part}: ${each}`,
    reason: 'it is invalid, or uses look-around or a back-reference',
  }));
  if (form.maxDepth === undefined) return patterns;
  const reason = `it would be too large: values more than ${form.maxDepth} levels deep are not described`;
  return [...patterns, { part, reason }];
}

const withDefinitions = (schema: JsonObject, { $defs }: SchemaConverter): JsonObject =>
  $defs === undefined ? schema : { ...schema, $defs };

/** Many clients look for members at the root of a schema, so a schema that contains itself is written out there, too. */
function toWritten(schema: JsonValue, { references }: SchemaSource): JsonValue {
  const isReference = isJsonObject(schema) && Object.keys(schema).join() === '$ref';
  return (isReference && references.dereference(schema)) || schema;
}

/** Structured content must be an object. */
function isObjectSchema(schema: JsonValue, source: SchemaSource): boolean {
  const seen = new Set<JsonObject>();
  const pending: JsonValue[] = [schema];
  for (let each = pending.pop(); each !== undefined; each = pending.pop()) {
    const resolved = source.references.dereference(each);
    if (resolved === undefined || seen.has(resolved)) continue;
    seen.add(resolved);
    if (resolved['nullable'] === true) return false;
    if (resolved['type'] === 'object') return true;
    if (resolved['type'] === undefined && isJsonObject(resolved['properties'])) return true;
    if (Array.isArray(resolved['allOf'])) pending.push(...resolved['allOf']);
  }
  return false;
}

function requireValid(schema: JsonObject, what: string): void {
  try {
    validateSchema(schema);
  } catch (fault) {
    if (fault instanceof SchemaFault) throw new ImportFault(`${what} ${fault.message.replace(/\.$/, '')}`);
    throw fault;
  }
}
