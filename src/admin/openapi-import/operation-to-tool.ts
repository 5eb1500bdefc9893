import { isJsonObject, type JsonObject, type JsonValue } from '#lib/mcp-protocol';
import { METHODS_WITH_BODY } from '../../registry/index.js';
import { ReferenceFault, type ReferenceResolver } from './reference-resolver.js';

/** An operation of an OpenAPI document. */
export interface Operation {
  readonly verb: string;
  readonly path: string;
  readonly operation: JsonObject;
  /** Parameters of the path and of the operation. */
  readonly parameters: readonly JsonObject[];
}

const PARAMETER_NAME = /^[a-z_][\w.-]*$/i;
const MAX_NAME_LENGTH = 64;
const MAX_DESCRIPTION_LENGTH = 4_000;
/** Headers that the gateway or the configuration of the server sets. */
const OWN_HEADERS = /^(accept|authorization|content-type|cookie|host)$/i;

/** The mapping of tool arguments to a request, built from an operation. */
interface Mapping {
  readonly properties: JsonObject;
  readonly required: string[];
  readonly headers: Record<string, string>;
  readonly query: Record<string, string>;
  body: JsonValue | undefined;
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
 * @throws ReferenceFault when the operation cannot become a tool
 */
export function toTool({ verb, path, operation, parameters }: Operation, references: ReferenceResolver): JsonObject {
  const mapping: Mapping = { properties: {}, required: [], headers: {}, query: {}, body: undefined };
  for (const parameter of parameters) mapParameter(parameter, mapping, references);
  if (METHODS_WITH_BODY.has(verb)) mapBody(operation, mapping, references);
  const { properties, required, headers, query, body } = mapping;
  const outputSchema = findOutputSchema(operation, references);
  const { summary } = operation;
  return {
    ...(typeof summary === 'string' && summary !== '' && { title: summary.slice(0, 200) }),
    ...readDescription(operation),
    method: verb,
    path,
    inputSchema: { type: 'object', properties, ...(required.length > 0 && { required }) },
    ...(Object.keys(headers).length > 0 && { headers }),
    ...(Object.keys(query).length > 0 && { query }),
    ...(body !== undefined && { body }),
    ...(outputSchema && { outputSchema }),
  };
}

function readDescription({ description, summary }: JsonObject): JsonObject {
  const text = [description, summary].find((each) => typeof each === 'string' && each !== '');
  return typeof text === 'string' ? { description: text.slice(0, MAX_DESCRIPTION_LENGTH) } : {};
}

function mapParameter(parameter: JsonObject, mapping: Mapping, references: ReferenceResolver): void {
  const { name, in: where, required } = parameter;
  if (typeof name !== 'string' || (where === 'header' && OWN_HEADERS.test(name)) || where === 'cookie') return;
  if (!PARAMETER_NAME.test(name))
    throw new ReferenceFault(`the name of its parameter ${name.slice(0, 60)} cannot be the name of an argument`);
  if (Object.hasOwn(mapping.properties, name)) throw new ReferenceFault(`two of its parameters have the name ${name}`);
  const schema = parameter['schema'] ?? contentSchema(parameter['content'], references) ?? {};
  const { description } = parameter;
  const inlined = references.inline(schema);
  mapping.properties[name] =
    isJsonObject(inlined) && typeof description === 'string' ? { description, ...inlined } : inlined;
  if (required === true || where === 'path') mapping.required.push(name);
  if (where === 'query') mapping.query[name] = `{${name}}`;
  if (where === 'header') mapping.headers[name] = `{${name}}`;
}

/** Maps the members of an object body to arguments, unless one has the name of a parameter. Any other body becomes the argument `body`. */
function mapBody(operation: JsonObject, mapping: Mapping, references: ReferenceResolver): void {
  const requestBody = references.dereference(operation['requestBody']);
  const schema = requestBody && contentSchema(requestBody['content'], references);
  if (requestBody && !schema) throw new ReferenceFault('its body is not JSON');
  if (!schema) return;
  const inlined = references.inline(schema);
  const members = isJsonObject(inlined) && isJsonObject(inlined['properties']) ? inlined['properties'] : {};
  const names = Object.keys(members);
  const isFlat =
    names.length > 0 && names.every((name) => PARAMETER_NAME.test(name) && !Object.hasOwn(mapping.properties, name));
  if (isFlat) {
    Object.assign(mapping.properties, members);
    const required = isJsonObject(inlined) && Array.isArray(inlined['required']) ? inlined['required'] : [];
    mapping.required.push(...required.filter((name) => typeof name === 'string'));
    mapping.body = Object.fromEntries(names.map((name) => [name, `{${name}}`]));
    return;
  }
  const name = Object.hasOwn(mapping.properties, 'body') ? 'request_body' : 'body';
  mapping.properties[name] = inlined;
  if (requestBody?.['required'] === true) mapping.required.push(name);
  mapping.body = `{${name}}`;
}

/** Returns the schema of the JSON media type. */
function contentSchema(content: JsonValue | undefined, references: ReferenceResolver): JsonObject | undefined {
  if (!isJsonObject(content)) return undefined;
  const [, media] =
    Object.entries(content).find(([type]) => /^application\/(?:[\w.+-]+\+)?json\s*(?:;|$)/i.test(type)) ?? [];
  return isJsonObject(media)
    ? references.dereference(media['schema'] ?? {}) && (media['schema'] as JsonObject)
    : undefined;
}

/** Returns the schema of the success response, if there is a single one and it is an object. */
function findOutputSchema(operation: JsonObject, references: ReferenceResolver): JsonObject | undefined {
  const responses = isJsonObject(operation['responses']) ? operation['responses'] : {};
  const successes = Object.entries(responses).filter(([status]) => /^2(?:\d\d|XX)$/i.test(status));
  const [, only] = successes.length === 1 ? (successes[0] ?? []) : [];
  const schema = contentSchema(references.dereference(only)?.['content'], references);
  const inlined = schema && references.inline(schema);
  return isJsonObject(inlined) && inlined['type'] === 'object' ? inlined : undefined;
}
