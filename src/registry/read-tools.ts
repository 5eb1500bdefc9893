import { SchemaFault, validateSchema } from '#lib/json-schema';
import { isJsonObject, type JsonObject, type JsonValue } from '#lib/mcp-protocol';
import { RestToolEntry, type Scalar } from './entries.js';
import { withoutUndefined, readEntry } from './read-entry.js';
import type { Fault } from './registry.errors.js';
import { METHODS_WITH_BODY, type RestTool } from './server-definition.js';

/** Tool names that clients accept (specification: server/tools, Tool Names). */
const TOOL_NAME = /^[\w.-]{1,128}$/;
/** Maximum number of tools of one server: reading an entry blocks other work. */
const MAX_TOOLS = 1_000;
/** Maximum length of all schemas for arguments of one server, as JSON text. */
const MAX_SCHEMAS_LENGTH = 8 * 1024 * 1024;

/** Reads the tools of a REST server. Invalid tools are omitted. */
export function readTools(value: JsonValue | undefined, path: string, faults: Fault[]): RestTool[] {
  if (value === undefined || value === null) {
    faults.push({ path, message: 'is missing.' });
    return [];
  }
  if (!isJsonObject(value) || Object.keys(value).length === 0) {
    faults.push({ path, message: 'must map tool names to their requests.' });
    return [];
  }
  const entries = Object.entries(value);
  if (entries.length > MAX_TOOLS) {
    const message = `has ${entries.length} tools. A server may have at most ${MAX_TOOLS}: distribute them over several servers.`;
    faults.push({ path, message });
    return [];
  }
  const length = entries.reduce((sum, [, entry]) => sum + schemaLength(entry), 0);
  if (length > MAX_SCHEMAS_LENGTH) {
    const message = `has more than ${MAX_SCHEMAS_LENGTH / 1024 / 1024} MiB of input schemas: distribute the tools over several servers.`;
    faults.push({ path, message });
    return [];
  }
  return entries.flatMap(([name, entry]) => readTool(name, entry, `${path}.${name}`, faults) ?? []);
}

const schemaLength = (entry: JsonValue | undefined): number =>
  isJsonObject(entry) && entry['inputSchema'] !== undefined ? JSON.stringify(entry['inputSchema']).length : 0;

function readTool(name: string, value: JsonValue | undefined, path: string, faults: Fault[]): RestTool | undefined {
  const isValidName = TOOL_NAME.test(name);
  if (!isValidName) {
    faults.push({ path, message: 'A tool name may contain only letters, digits, _, - and ., at most 128 characters.' });
  }
  const entry = readEntry(RestToolEntry, value, path, faults);
  if (!isValidName || entry === undefined) return undefined;
  const { title, description, method = 'GET', path: toolPath, inputSchema = { type: 'object' } } = entry;
  const { outputSchema, body, result } = entry;
  if (body !== undefined && !METHODS_WITH_BODY.has(method)) {
    faults.push({ path: `${path}.body`, message: `A ${method} request cannot have a body.` });
    return undefined;
  }
  const schemaFault = findSchemaFault(inputSchema);
  if (schemaFault !== undefined) {
    faults.push({ path: `${path}.inputSchema`, message: schemaFault });
    return undefined;
  }
  const mapping = { headers: toStrings(entry.headers), query: toStrings(entry.query), outputSchema, body, result };
  return {
    name,
    ...withoutUndefined({ title, description }),
    method,
    path: toolPath,
    inputSchema,
    ...withoutUndefined(mapping),
  };
}

/** Validates the schema, so that a fault is reported at once and not to the callers of the tool. It is compiled by the first call. */
function findSchemaFault(schema: JsonObject): string | undefined {
  try {
    validateSchema(schema);
    return undefined;
  } catch (fault) {
    if (fault instanceof SchemaFault) return fault.message;
    throw fault;
  }
}

const toStrings = (values: Readonly<Record<string, Scalar>> | undefined): Record<string, string> | undefined =>
  values && Object.fromEntries(Object.entries(values).map(([name, value]) => [name, String(value)]));
