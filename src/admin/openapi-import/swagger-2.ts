import { isJsonObject, type JsonObject, type JsonValue } from '#lib/mcp-protocol';
import type { Operation } from './operation.js';
import type { ReferenceResolver } from './reference-resolver.js';

/** Members of a parameter that are no part of its schema. */
const OWN_MEMBERS: ReadonlySet<string> = new Set(['name', 'in', 'required', 'collectionFormat', 'allowEmptyValue']);

const JSON_TYPE = 'application/json';
const FORM = 'application/x-www-form-urlencoded';
const MULTIPART = 'multipart/form-data';

/** Converts an operation of Swagger 2.0 to the form of OpenAPI 3.0. Schemas keep their references. */
export function toOpenApi3(read: Operation, document: JsonObject, references: ReferenceResolver): Operation {
  const { operation, parameters } = read;
  const consumes = textsOf(operation['consumes'] ?? document['consumes']);
  const produces = textsOf(operation['produces'] ?? document['produces']);
  const requestBody = toRequestBody(parameters, consumes);
  return {
    ...read,
    parameters: parameters.filter(({ in: place }) => place !== 'body' && place !== 'formData').map(toParameter),
    operation: {
      ...operation,
      ...(requestBody && { requestBody }),
      responses: toResponses(operation['responses'], produces, references),
    },
    servers: toServers(operation, document),
  };
}

/** An operation may restrict the schemes of the document. */
function toServers({ schemes }: JsonObject, document: JsonObject): JsonValue | undefined {
  return Array.isArray(schemes) ? swaggerServers({ ...document, schemes }) : undefined;
}

/** Returns the servers of a document. HTTPS comes first. */
export function swaggerServers({ host, basePath, schemes }: JsonObject): JsonValue[] {
  const path = typeof basePath === 'string' ? basePath : '/';
  if (typeof host !== 'string') return [{ url: path }];
  const given = textsOf(schemes).filter((scheme) => /^https?$/.test(scheme));
  const ordered = given.length === 0 ? ['https'] : given.toSorted((one, other) => other.length - one.length);
  return ordered.map((scheme) => ({ url: `${scheme}://${host}${path.startsWith('/') ? '' : '/'}${path}` }));
}

const textsOf = (value: JsonValue | undefined): readonly string[] =>
  Array.isArray(value) ? value.filter((each) => typeof each === 'string') : [];

const toSchema = (parameter: JsonObject): JsonObject =>
  Object.fromEntries(Object.entries(parameter).filter(([name]) => !OWN_MEMBERS.has(name)));

function toParameter(parameter: JsonObject): JsonObject {
  const { name, in: place, required, description, collectionFormat, ...schema } = parameter;
  const { style, explode } = toStyle(collectionFormat, place);
  return {
    ...withoutUndefined({ name, in: place, required, description }),
    schema: toSchema(schema),
    ...(parameter['type'] === 'array' && { style, explode }),
  };
}

const STYLES: Readonly<Record<string, JsonObject>> = {
  csv: { style: 'form', explode: false },
  multi: { style: 'form', explode: true },
  ssv: { style: 'spaceDelimited', explode: false },
  pipes: { style: 'pipeDelimited', explode: false },
  tsv: { style: 'tabDelimited', explode: false },
};

function toStyle(format: JsonValue | undefined, place: JsonValue | undefined): JsonObject {
  if (place === 'path' || place === 'header') return { style: 'simple', explode: false };
  return (typeof format === 'string' ? STYLES[format] : undefined) ?? { style: 'form', explode: false };
}

function toRequestBody(parameters: readonly JsonObject[], consumes: readonly string[]): JsonObject | undefined {
  const body = parameters.find(({ in: place }) => place === 'body');
  if (body) {
    const types = consumes.length === 0 ? [JSON_TYPE] : consumes;
    const media = { schema: body['schema'] ?? {} };
    const { description, required = false } = body;
    return {
      ...withoutUndefined({ description }),
      required,
      content: Object.fromEntries(types.map((type) => [type, media])),
    };
  }
  const fields = parameters.filter(({ in: place }) => place === 'formData');
  return fields.length === 0 ? undefined : toForm(fields, consumes);
}

function toForm(fields: readonly JsonObject[], consumes: readonly string[]): JsonObject {
  const hasFile = fields.some(({ type }) => type === 'file');
  const isMultipart = hasFile || (consumes.includes(MULTIPART) && !consumes.includes(FORM));
  const named = fields.flatMap((field) => (typeof field['name'] === 'string' ? [[field['name'], field] as const] : []));
  const properties = named.map(([name, { collectionFormat: _format, ...field }]) => {
    const schema = toSchema(field);
    return [name, field['type'] === 'file' ? { ...schema, type: 'string', format: 'binary' } : schema] as const;
  });
  const lists = named.filter(([, field]) => field['type'] === 'array');
  const encoding = lists.map(([name, field]) => [name, toStyle(field['collectionFormat'], 'formData')] as const);
  const required = named.filter(([, field]) => field['required'] === true).map(([name]) => name);
  const schema = { type: 'object', properties: Object.fromEntries(properties), required };
  return {
    required: required.length > 0,
    content: { [isMultipart ? MULTIPART : FORM]: { schema, encoding: Object.fromEntries(encoding) } },
  };
}

function toResponses(
  responses: JsonValue | undefined,
  produces: readonly string[],
  references: ReferenceResolver,
): JsonObject {
  const entries = Object.entries(isJsonObject(responses) ? responses : {}).map(([status, given]) => {
    const response = references.dereference(given) ?? {};
    const { schema } = response;
    if (!isJsonObject(schema)) return [status, response] as const;
    const types = produces.length === 0 ? [JSON_TYPE] : produces;
    return [status, { ...response, content: Object.fromEntries(types.map((type) => [type, { schema }])) }] as const;
  });
  return Object.fromEntries(entries);
}

const withoutUndefined = (value: JsonObject): JsonObject =>
  Object.fromEntries(Object.entries(value).filter(([, each]) => each !== undefined));
