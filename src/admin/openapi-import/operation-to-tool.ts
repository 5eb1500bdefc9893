import { isJsonObject, type JsonObject, type JsonValue } from '#lib/mcp-protocol';
import { METHODS_WITH_BODY } from '../../registry/index.js';
import { ReferenceFault, type ReferenceResolver } from './reference-resolver.js';

/** An operation of an OpenAPI document. */
export interface Operation {
  readonly verb: string;
  readonly path: string;
  readonly operation: JsonObject;
  /** Of the path and of the operation. */
  readonly parameters: readonly JsonObject[];
}

const PARAMETER_NAME = /^[a-z_][\w.-]*$/i;
const LONGEST_NAME = 64;
const LONGEST_DESCRIPTION = 4_000;
/** What the gateway writes itself, or the server's configuration. */
const OWN_HEADERS = /^(accept|authorization|content-type|cookie|host)$/i;

/** Where the arguments of a tool go, as it is made of an operation. */
interface Mapping {
  readonly properties: JsonObject;
  readonly required: string[];
  readonly headers: Record<string, string>;
  readonly query: Record<string, string>;
  body: JsonValue | undefined;
}

/** Text that may be the name of a tool. */
export const toToolName = ({ verb, path, operation }: Operation): string => {
  const { operationId } = operation;
  const wanted = typeof operationId === 'string' && operationId !== '' ? operationId : `${verb}${path}`;
  return wanted
    .replaceAll(/[^\w.-]+/g, '_')
    .replaceAll(/^_+|_+$/g, '')
    .slice(0, LONGEST_NAME);
};

/**
 * The entry of a tool that is one operation (docs/configuration.md).
 * @throws ReferenceFault when it cannot be one
 */
export function toTool(asked: Operation, references: ReferenceResolver): JsonObject {
  const { verb, path, operation } = asked;
  const mapping: Mapping = { properties: {}, required: [], headers: {}, query: {}, body: undefined };
  for (const parameter of asked.parameters) place(parameter, mapping, references);
  if (METHODS_WITH_BODY.has(verb)) placeBody(operation, mapping, references);
  const { properties, required, headers, query, body } = mapping;
  const outputSchema = outputOf(operation, references);
  const { summary } = operation;
  return {
    ...(typeof summary === 'string' && summary !== '' && { title: summary.slice(0, 200) }),
    ...describe(operation),
    method: verb,
    path,
    inputSchema: { type: 'object', properties, ...(required.length > 0 && { required }) },
    ...(Object.keys(headers).length > 0 && { headers }),
    ...(Object.keys(query).length > 0 && { query }),
    ...(body !== undefined && { body }),
    ...(outputSchema && { outputSchema }),
  };
}

function describe({ description, summary }: JsonObject): JsonObject {
  const text = [description, summary].find((each) => typeof each === 'string' && each !== '');
  return typeof text === 'string' ? { description: text.slice(0, LONGEST_DESCRIPTION) } : {};
}

function place(parameter: JsonObject, mapping: Mapping, references: ReferenceResolver): void {
  const { name, in: where, required } = parameter;
  if (typeof name !== 'string' || (where === 'header' && OWN_HEADERS.test(name)) || where === 'cookie') return;
  if (!PARAMETER_NAME.test(name))
    throw new ReferenceFault(`the parameter ${name.slice(0, 60)} has a name that no argument can have`);
  if (Object.hasOwn(mapping.properties, name)) throw new ReferenceFault(`two of its parameters are called ${name}`);
  const schema = parameter['schema'] ?? contentSchema(parameter['content'], references) ?? {};
  const { description } = parameter;
  const written = references.inline(schema);
  mapping.properties[name] =
    isJsonObject(written) && typeof description === 'string' ? { description, ...written } : written;
  if (required === true || where === 'path') mapping.required.push(name);
  if (where === 'query') mapping.query[name] = `{${name}}`;
  if (where === 'header') mapping.headers[name] = `{${name}}`;
}

/** An object's members become arguments, unless they are called like parameters; anything else is one argument, `body`. */
function placeBody(operation: JsonObject, mapping: Mapping, references: ReferenceResolver): void {
  const requestBody = references.dereference(operation['requestBody']);
  const schema = requestBody && contentSchema(requestBody['content'], references);
  if (requestBody && !schema) throw new ReferenceFault('its body is not JSON');
  if (!schema) return;
  const written = references.inline(schema);
  const members = isJsonObject(written) && isJsonObject(written['properties']) ? written['properties'] : {};
  const names = Object.keys(members);
  const isFlat =
    names.length > 0 && names.every((name) => PARAMETER_NAME.test(name) && !Object.hasOwn(mapping.properties, name));
  if (isFlat) {
    Object.assign(mapping.properties, members);
    const needed = isJsonObject(written) && Array.isArray(written['required']) ? written['required'] : [];
    mapping.required.push(...needed.filter((name) => typeof name === 'string'));
    mapping.body = Object.fromEntries(names.map((name) => [name, `{${name}}`]));
    return;
  }
  const name = Object.hasOwn(mapping.properties, 'body') ? 'request_body' : 'body';
  mapping.properties[name] = written;
  if (requestBody?.['required'] === true) mapping.required.push(name);
  mapping.body = `{${name}}`;
}

/** Of the JSON among the media types. */
function contentSchema(content: JsonValue | undefined, references: ReferenceResolver): JsonObject | undefined {
  if (!isJsonObject(content)) return undefined;
  const [, media] =
    Object.entries(content).find(([type]) => /^application\/(?:[\w.+-]+\+)?json\s*(?:;|$)/i.test(type)) ?? [];
  return isJsonObject(media)
    ? references.dereference(media['schema'] ?? {}) && (media['schema'] as JsonObject)
    : undefined;
}

/** What a success is like, where all of them are one kind of object. */
function outputOf(operation: JsonObject, references: ReferenceResolver): JsonObject | undefined {
  const responses = isJsonObject(operation['responses']) ? operation['responses'] : {};
  const successes = Object.entries(responses).filter(([status]) => /^2(?:\d\d|XX)$/i.test(status));
  const [, only] = successes.length === 1 ? (successes[0] ?? []) : [];
  const schema = contentSchema(references.dereference(only)?.['content'], references);
  const written = schema && references.inline(schema);
  return isJsonObject(written) && written['type'] === 'object' ? written : undefined;
}
