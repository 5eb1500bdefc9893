import { isJsonObject, type JsonObject, type JsonValue } from '#lib/mcp-protocol';
import { compileGlob } from '../../registry/index.js';
import { ReferenceFault, ReferenceResolver } from './reference-resolver.js';
import { requireValidSchema, toJsonSchemas } from './openapi-schema.js';
import { toToolName, toTool, type Operation } from './operation-to-tool.js';

/** A selected operation that cannot become a tool. */
export interface SkippedOperation {
  /** `POST /pets` */
  readonly operation: string;
  readonly reason: string;
}

/** The tools made of the operations of a document. */
export interface ImportedOperations {
  /** Base URL of the API according to the document. Absent when the document contains no complete URL. */
  readonly url?: string;
  readonly title?: string;
  /** Entries of tools by name (docs/configuration.md). */
  readonly tools: JsonObject;
  readonly skipped: readonly SkippedOperation[];
}

const VERBS: ReadonlySet<string> = new Set(['get', 'head', 'post', 'put', 'patch', 'delete']);
const MAX_OPERATIONS = 2_000;

/** The document is not an OpenAPI 3 document. */
export class NotOpenApi extends Error {
  override readonly name = 'NotOpenApi';
}

/**
 * Converts operations of an OpenAPI 3 document to tools. `selected`: patterns of operation ids or of `VERB /path`, in which
 * `*` matches any run of characters.
 * @throws NotOpenApi
 */
export function importOpenApi(document: JsonObject, selected: readonly string[]): ImportedOperations {
  const { openapi, info, servers } = document;
  if (typeof openapi !== 'string' || !openapi.startsWith('3.')) {
    throw new NotOpenApi('The document must be OpenAPI 3: its member openapi must be 3.0.0 or later.');
  }
  const references = new ReferenceResolver(document);
  const patterns = selected.map(compileGlob);
  const tools: JsonObject = {};
  const skipped: SkippedOperation[] = [];
  for (const operation of readOperations(document, references)) {
    const place = `${operation.verb} ${operation.path}`;
    const id = operation.operation['operationId'];
    if (!patterns.some((matches) => matches(place) || (typeof id === 'string' && matches(id)))) continue;
    const tool = attempt(() => {
      const made = toTool(operation, references);
      const converted = openapi.startsWith('3.0.') ? toJsonSchemas(made) : made;
      requireValidSchema(converted);
      return converted;
    });
    if ('reason' in tool) skipped.push({ operation: place, reason: tool.reason });
    else tools[toUniqueName(toToolName(operation), tools)] = tool.value;
  }
  const title = isJsonObject(info) ? info['title'] : undefined;
  const url = findServerUrl(servers);
  return {
    ...(url !== undefined && { url }),
    ...(typeof title === 'string' && { title: title.slice(0, 200) }),
    tools,
    skipped,
  };
}

function readOperations({ paths }: JsonObject, references: ReferenceResolver): readonly Operation[] {
  const all = Object.entries(isJsonObject(paths) ? paths : {}).flatMap(([path, pathItem]) => {
    const item = attempt(() => references.dereference(pathItem) ?? {});
    if ('reason' in item) return [];
    const shared = readParameters(item.value, references);
    return Object.entries(item.value).flatMap(([verb, operation]): Operation[] => {
      if (!VERBS.has(verb) || !isJsonObject(operation)) return [];
      const own = readParameters(operation, references);
      const remaining = shared.filter(
        (one) => !own.some(({ name, in: where }) => name === one['name'] && where === one['in']),
      );
      return [{ verb: verb.toUpperCase(), path, operation, parameters: [...remaining, ...own] }];
    });
  });
  if (all.length > MAX_OPERATIONS) throw new NotOpenApi(`The document has more than ${MAX_OPERATIONS} operations.`);
  return all;
}

/** Replaces a parameter that cannot be resolved by one with an invalid name, so that its operation is skipped with a reason. */
function readParameters({ parameters }: JsonObject, references: ReferenceResolver): readonly JsonObject[] {
  return (Array.isArray(parameters) ? parameters : []).flatMap((parameter) => {
    const resolved = attempt(() => references.dereference(parameter));
    if ('reason' in resolved) return [{ name: '?', in: 'path' }];
    return resolved.value ? [resolved.value] : [];
  });
}

function attempt<T>(work: () => T): { readonly value: T } | { readonly reason: string } {
  try {
    return { value: work() };
  } catch (cause) {
    if (cause instanceof ReferenceFault) return { reason: cause.message };
    throw cause;
  }
}

function toUniqueName(name: string, taken: JsonObject): string {
  const base = name === '' ? 'operation' : name;
  let unique = base;
  for (let count = 2; Object.hasOwn(taken, unique); count += 1) unique = `${base}_${count}`;
  return unique;
}

/** Returns the first server URL if it is absolute and without variables. Other URLs must be completed by the caller. */
function findServerUrl(servers: JsonValue | undefined): string | undefined {
  const [first] = Array.isArray(servers) ? servers : [];
  const url = isJsonObject(first) ? first['url'] : undefined;
  return typeof url === 'string' && /^https?:\/\//.test(url) && !url.includes('{') ? url : undefined;
}
