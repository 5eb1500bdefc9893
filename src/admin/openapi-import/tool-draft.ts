import type { JsonObject, JsonValue } from '#lib/mcp-protocol';
import { ArgumentNames } from './argument-names.js';
import type { SchemaConverter } from './schema-converter.js';
import type { SchemaSource } from './schema-converter.js';

/** A part of an operation that is not imported. */
export interface SkippedPart {
  readonly part: string;
  readonly reason: string;
}

/** The mapping of an operation to a tool while it is built. */
export interface ToolDraft {
  readonly source: SchemaSource;
  readonly converter: SchemaConverter;
  readonly names: ArgumentNames;
  /** Schemas of the arguments. */
  readonly properties: JsonObject;
  readonly required: string[];
  /** `parameters` of the tool. */
  readonly parameters: JsonObject;
  /** Members of the tool: `query`, `requestBody`, `accept` … */
  readonly members: JsonObject;
  /** Further keywords of the schema of the arguments. */
  readonly rules: JsonObject;
  readonly skipped: SkippedPart[];
}

export const newDraft = (source: SchemaSource, converter: SchemaConverter): ToolDraft => ({
  source,
  converter,
  names: new ArgumentNames(),
  properties: {},
  required: [],
  parameters: {},
  members: {},
  rules: {},
  skipped: [],
});

/** Declares an argument. Its description names what the API calls it if that differs. */
export function declareArgument(draft: ToolDraft, argument: string, name: string, schema: JsonValue): void {
  draft.properties[argument] = argument === name ? schema : withName(schema, name);
}

function withName(schema: JsonValue, name: string): JsonValue {
  if (typeof schema !== 'object' || schema === null || Array.isArray(schema)) return { description: `Name: ${name}` };
  const { description } = schema;
  const text = typeof description === 'string' && description !== '' ? `${description} ` : '';
  return { ...schema, description: `${text}(\`${name}\` of the API)` };
}
