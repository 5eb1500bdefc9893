import type { Type } from '@nestjs/common';
import { validationMetadatasToSchemas } from 'class-validator-jsonschema';
import { PRODUCT } from '#lib/extension-kit';
import { RESPONSE_SCHEMAS, PROBLEM_SCHEMA } from './response-schemas.js';
import { requestRef, requestSchemas } from './request-schemas.js';
import { listRoutes, type AdminRoute } from './routes.js';

type Json = Record<string, unknown>;

const PROBLEM_ANSWER = { $ref: '#/components/responses/Problem' };
/** Said by the security scheme already (OpenAPI 3.1, Parameter Object). */
const NOT_A_PARAMETER: ReadonlySet<string> = new Set(['authorization']);
const HEADERS: Readonly<Record<string, string>> = {
  'if-match': 'ETag of what was read, or * for any version.',
  'if-none-match': 'ETag of what is known already: 304 when it is still that.',
  'idempotency-key': 'Carried out once for each key, however often it is sent, within a day.',
};

/** Describes the routes of these controllers, from what they are made of (OpenAPI 3.1). */
export function openApiDocument(controllers: readonly Type[]): Json {
  const routes = listRoutes(controllers).filter(({ roles }) => roles.length > 0);
  const known = validationMetadatasToSchemas({ refPointerPrefix: '#/components/schemas/' }) as Json;
  const paths: Record<string, Json> = {};
  for (const route of routes) {
    const path = route.path.replaceAll(/:(\w+)/g, '{$1}');
    paths[path] = { ...paths[path], [route.verb]: operationOf(route, known) };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Isthmus admin API',
      version: PRODUCT.version,
      description: 'Looks at a running gateway and changes it. Any worker answers for all.',
    },
    paths,
    components: {
      securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } },
      responses: {
        Problem: {
          description: 'What went wrong (RFC 9457).',
          content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
        },
      },
      schemas: { ...RESPONSE_SCHEMAS, ...requestSchemas(routes, known), Problem: PROBLEM_SCHEMA },
    },
    security: [{ bearer: [] }],
  };
}

function operationOf(route: AdminRoute, known: Json): Json {
  const { verb, path, roles, description, body, status } = route;
  const [, , , tag = ''] = path.split('/');
  const parameters = parametersOf(route, known);
  return {
    operationId: `${verb}${path.replace('/admin/v1', '').replaceAll(/[^a-z\d]+(.)/gi, (_all, letter: string) => letter.toUpperCase())}`,
    summary: description?.summary ?? '',
    description: `Takes the roles ${roles.join(', ')}.`,
    tags: [tag],
    'x-roles': roles,
    ...(parameters.length > 0 && { parameters }),
    ...(body && {
      requestBody: { required: true, content: { 'application/json': { schema: requestRef(route, body) } } },
    }),
    responses: {
      [status]: answerOf(route),
      ...(route.headers.includes('if-none-match') && { 304: { description: 'It has not changed.' } }),
      default: PROBLEM_ANSWER,
    },
  };
}

function answerOf({ description }: AdminRoute): Json {
  if (!description?.response) return { description: 'It is done.' };
  const { response: answer, mediaType = 'application/json' } = description;
  return {
    description: 'It is done.',
    content: { [mediaType]: { schema: { $ref: `#/components/schemas/${answer}` } } },
  };
}

function parametersOf({ verb, path, query, headers }: AdminRoute, known: Json): Json[] {
  const inPath = Array.from(path.matchAll(/:(\w+)/g), ([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }));
  const { properties = {} } = query ? (known[query.name] as Json) : {};
  const inQuery = Object.entries(properties as Json).map(([name, schema]) => ({ name, in: 'query', schema }));
  const read = [...headers, ...(verb === 'post' ? ['idempotency-key'] : [])];
  const inHeader = read
    .filter((name) => !NOT_A_PARAMETER.has(name))
    .map((name) => ({ name, in: 'header', description: HEADERS[name] ?? '', schema: { type: 'string' } }));
  return [...inPath, ...inQuery, ...inHeader];
}
