import { PRODUCT } from '#lib/extension-kit';
import type { ServerKind } from '../../registry/index.js';
import { COMPONENTS, schemasOfAllClasses } from './class-schemas.js';
import { contributedSchemas } from './contributed-schemas.js';
import { RESPONSE_SCHEMAS, PROBLEM_SCHEMA } from './response-schemas.js';
import { requestRef, requestSchemas } from './request-schemas.js';
import type { AdminRoute } from './routes.js';

type Json = Record<string, unknown>;

const PROBLEM_RESPONSE = { $ref: '#/components/responses/Problem' };
/** Headers that the security scheme already describes (OpenAPI 3.1, Parameter Object). */
const NOT_A_PARAMETER: ReadonlySet<string> = new Set(['authorization']);
const HEADERS: Readonly<Record<string, string>> = {
  'if-match': 'ETag of the version that the change was made for, or * for any version.',
  'if-none-match': 'ETag of the version that the client has. The response is 304 if the entry has not changed.',
  'idempotency-key': 'The request is executed once per key; repeated requests within a day get the same response.',
};

/**
 * Generates the OpenAPI 3.1 document of these routes. Its paths begin at `publicPath`, the path of
 * the public URL, on the host from which the document was loaded.
 *
 * @param options schemas of the options of guardrails, which depend on the extensions of the gateway
 * @param contributedKinds the kinds of servers that extensions connect
 */
export function openApiDocument(
  allRoutes: readonly AdminRoute[],
  options: Json,
  publicPath = '',
  contributedKinds: readonly ServerKind[] = [],
): Json {
  const contributed = contributedSchemas(contributedKinds);
  const routes = allRoutes.map((route) => withContributed(route, Object.keys(contributed)));
  const all = schemasOfAllClasses(COMPONENTS);
  const known = { ...all, ...contributed };
  const paths: Record<string, Json> = {};
  for (const route of routes) {
    const { documentedPath: path, verb } = route;
    paths[path] = { ...paths[path], [verb]: toOperation(route, known) };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Isthmus admin API',
      version: PRODUCT.version,
      description: 'Inspects and changes a running gateway. Any worker can handle any request.',
    },
    servers: [{ url: publicPath === '' ? '/' : publicPath }],
    paths,
    components: {
      securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } },
      responses: {
        Problem: {
          description: 'The request failed. The body is a problem document (RFC 9457).',
          content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
        },
      },
      schemas: { ...RESPONSE_SCHEMAS, ...requestSchemas(routes, known, options), Problem: PROBLEM_SCHEMA },
    },
    security: [{ bearer: [] }],
  };
}

/** Adds the entries of kinds that extensions connect to the possible shapes of servers. */
function withContributed(route: AdminRoute, names: readonly string[]): AdminRoute {
  const { entries } = route;
  if (entries?.includesContributed !== true) return route;
  return { ...route, entries: { ...entries, classes: [...entries.classes, ...names.map((name) => ({ name }))] } };
}

function toOperation(route: AdminRoute, known: Json): Json {
  const { verb, path, roles, description, body, status } = route;
  const [, , , tag = ''] = path.split('/');
  const parameters = toParameters(route, known);
  return {
    operationId: `${verb}${path.replace('/admin/v1', '').replaceAll(/[^a-z\d]+(.)/gi, (_all, letter: string) => letter.toUpperCase())}`,
    summary: description?.summary ?? '',
    description: `Requires one of the roles ${roles.join(', ')}.`,
    tags: [tag],
    'x-roles': roles,
    ...(parameters.length > 0 && { parameters }),
    ...(body && {
      requestBody: { required: true, content: { 'application/json': { schema: requestRef(route, body) } } },
    }),
    responses: {
      [status]: toResponse(route),
      ...(route.headers.includes('if-none-match') && { 304: { description: 'The entry has not changed.' } }),
      default: PROBLEM_RESPONSE,
    },
  };
}

function toResponse({ description }: AdminRoute): Json {
  if (!description?.response) return { description: 'Success.' };
  const { response: answer, mediaType = 'application/json' } = description;
  return {
    description: 'Success.',
    content: { [mediaType]: { schema: { $ref: `#/components/schemas/${answer}` } } },
  };
}

function toParameters({ verb, path, query, headers }: AdminRoute, known: Json): Json[] {
  const inPath = Array.from(path.matchAll(/:(\w+)/g), ([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }));
  const { properties = {} } = query ? (known[query.name] as Json) : {};
  const inQuery = Object.entries(properties as Json).map(([name, schema]) => ({ name, in: 'query', schema }));
  const headerNames = [...headers, ...(verb === 'post' ? ['idempotency-key'] : [])];
  const inHeader = headerNames
    .filter((name) => !NOT_A_PARAMETER.has(name))
    .map((name) => ({ name, in: 'header', description: HEADERS[name] ?? '', schema: { type: 'string' } }));
  return [...inPath, ...inQuery, ...inHeader];
}
