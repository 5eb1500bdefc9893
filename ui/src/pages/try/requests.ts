import type { JsonSchema } from '../../api/index.js';
import { toolHeaders, type Era } from '../../mcp/index.js';
import { isObject, objectsOf, textOf, type JsonObject } from '../../values/index.js';
import type { Kind, Offered } from './offered-items.js';
import { expandTemplate, variablesOf } from './uri-template.js';

/** A request to an MCP endpoint. */
export interface McpRequest {
  readonly method: string;
  readonly params: JsonObject;
  readonly headers?: Readonly<Record<string, string>>;
}

/** JSON Schema of what an item takes. */
export function schemaOf(kind: Kind, { key, definition }: Offered): JsonSchema {
  if (kind === 'tools') return isObject(definition['inputSchema']) ? definition['inputSchema'] : {};
  if (kind === 'prompts') return schemaOfPrompt(definition);
  const names = kind === 'resources' ? [] : variablesOf(key);
  return { type: 'object', properties: Object.fromEntries(names.map((name) => [name, { type: 'string' }])) };
}

function schemaOfPrompt(definition: JsonObject): JsonSchema {
  const declared = objectsOf(definition['arguments']);
  const properties = declared.map(({ name, title, description }) => [
    textOf(name),
    { type: 'string', ...(textOf(title) && { title }), ...(textOf(description) && { description }) },
  ]);
  const required = declared.filter((each) => each['required'] === true).map(({ name }) => textOf(name));
  return { type: 'object', properties: Object.fromEntries(properties), required };
}

/** The request that uses an item with some arguments. */
export function toRequest(kind: Kind, { key, definition }: Offered, args: JsonObject, era: Era): McpRequest {
  if (kind === 'resources') return { method: 'resources/read', params: { uri: key } };
  if (kind === 'resource-templates') return { method: 'resources/read', params: { uri: expandTemplate(key, args) } };
  const params = { name: key, arguments: args };
  if (kind === 'prompts') return { method: 'prompts/get', params };
  const headers = era === 'modern' ? toolHeaders(definition['inputSchema'], args) : {};
  return { method: 'tools/call', params, headers };
}
