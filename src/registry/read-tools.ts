import { SchemaFault, validateSchema } from '#lib/json-schema';
import { isJsonObject, type JsonObject, type JsonValue } from '#lib/mcp-protocol';
import type { Scalar } from './entries.js';
import { withoutUndefined, readEntry } from './read-entry.js';
import type { Fault } from './registry.errors.js';
import { readParameters, readRequestBody } from './read-request-mapping.js';
import { RestToolEntry } from './rest-tool-entries.js';
import type { RestTool } from './rest-tool.js';

/** Tool names that clients accept (specification: server/tools, Tool Names). */
const TOOL_NAME = /^[\w.-]{1,128}$/;
/** Maximum number of tools of one server: reading an entry blocks other work. */
export const MAX_TOOLS = 2_000;
/** Maximum length of all schemas for arguments of one server, as JSON text. */
export const MAX_SCHEMAS_LENGTH = 24 * 1024 * 1024;

/** Maximum number of origins of tools with URLs of their own: each has connections of its own. */
const MAX_ORIGINS = 16;

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
  const tools = entries.flatMap(([name, entry]) => readTool(name, entry, `${path}.${name}`, faults) ?? []);
  const origins = new Set(tools.flatMap(({ url }) => (url === undefined ? [] : [new URL(url).origin])));
  if (origins.size > MAX_ORIGINS) {
    faults.push({ path, message: `has tools at ${origins.size} origins. A server may have at most ${MAX_ORIGINS}.` });
    return [];
  }
  return tools;
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
  const { title, description, method = 'GET', inputSchema = { type: 'object' } } = entry;
  const fault = findFault(entry, method, inputSchema);
  if (fault !== undefined) {
    faults.push({ path: `${path}.${fault.member}`, message: fault.message });
    return undefined;
  }
  const known = faults.length;
  const mapping = readMapping(entry, inputSchema, path, faults);
  if (faults.length > known) return undefined;
  return { name, ...withoutUndefined({ title, description }), method, ...mapping };
}

function readMapping(entry: RestToolEntry, inputSchema: JsonObject, path: string, faults: Fault[]) {
  const { url, path: toolPath, outputSchema, body, accept, result } = entry;
  const members = entry as { readonly parameters?: JsonValue; readonly requestBody?: JsonValue };
  const parameters = readParameters(members.parameters, toolPath, `${path}.parameters`, faults);
  const requestBody = readRequestBody(members.requestBody, `${path}.requestBody`, faults);
  const templates = { headers: toStrings(entry.headers), query: toStrings(entry.query), body };
  return {
    path: toolPath,
    inputSchema,
    ...withoutUndefined({ url, ...templates, parameters, requestBody, outputSchema, accept, result }),
  };
}

const METHODS_WITHOUT_BODY: ReadonlySet<string> = new Set(['GET', 'HEAD']);

function findFault(
  { body, requestBody }: RestToolEntry,
  method: string,
  inputSchema: JsonObject,
): { readonly member: string; readonly message: string } | undefined {
  if (body !== undefined && METHODS_WITHOUT_BODY.has(method)) {
    return { member: 'body', message: `A ${method} request cannot have a body.` };
  }
  // Some APIs expect the body of a search with GET.
  if (requestBody !== undefined && method === 'HEAD') {
    return { member: 'requestBody', message: 'A HEAD request cannot have a body.' };
  }
  if (body !== undefined && requestBody !== undefined) {
    return { member: 'requestBody', message: 'A tool has either body or requestBody.' };
  }
  const message = findSchemaFault(inputSchema);
  return message === undefined ? undefined : { member: 'inputSchema', message };
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
