import { isJsonObject, type JsonObject, type JsonValue } from '#lib/mcp-protocol';
import { compileGlob } from '../../registry/index.js';
import { ReferenceFault, ReferenceResolver } from './reference-resolver.js';
import { toToolName, toTool, type Operation } from './operation-to-tool.js';

/** An operation that was picked and cannot become a tool. */
export interface SkippedOperation {
  /** `POST /pets` */
  readonly operation: string;
  readonly reason: string;
}

/** What a document comes to. */
export interface ImportedOperations {
  /** Where the document says that the API is; absent when it does not say so as a whole. */
  readonly url?: string;
  readonly title?: string;
  /** Entries of tools by name (docs/configuration.md). */
  readonly tools: JsonObject;
  readonly skipped: readonly SkippedOperation[];
}

const VERBS: ReadonlySet<string> = new Set(['get', 'head', 'post', 'put', 'patch', 'delete']);
const MOST_OPERATIONS = 2_000;

/** It is no OpenAPI 3 document. */
export class NotOpenApi extends Error {
  override readonly name = 'NotOpenApi';
}

/**
 * Makes tools of the operations of an OpenAPI 3 document. `picked`: operation ids, or `VERB /path`; `*` stands for any run of
 * characters.
 * @throws NotOpenApi
 */
export function importOpenApi(document: JsonObject, picked: readonly string[]): ImportedOperations {
  const { openapi, info, servers } = document;
  if (typeof openapi !== 'string' || !openapi.startsWith('3.')) {
    throw new NotOpenApi('The document must be OpenAPI 3: its member openapi says 3.0.0 or later.');
  }
  const references = new ReferenceResolver(document);
  const patterns = picked.map(compileGlob);
  const tools: JsonObject = {};
  const skipped: SkippedOperation[] = [];
  for (const operation of operationsIn(document, references)) {
    const place = `${operation.verb} ${operation.path}`;
    const id = operation.operation['operationId'];
    if (!patterns.some((matches) => matches(place) || (typeof id === 'string' && matches(id)))) continue;
    const tool = attempt(() => toTool(operation, references));
    if ('reason' in tool) skipped.push({ operation: place, reason: tool.reason });
    else tools[freeName(toToolName(operation), tools)] = tool.value;
  }
  const title = isJsonObject(info) ? info['title'] : undefined;
  const url = addressIn(servers);
  return {
    ...(url !== undefined && { url }),
    ...(typeof title === 'string' && { title: title.slice(0, 200) }),
    tools,
    skipped,
  };
}

function operationsIn({ paths }: JsonObject, references: ReferenceResolver): readonly Operation[] {
  const all = Object.entries(isJsonObject(paths) ? paths : {}).flatMap(([path, written]) => {
    const item = attempt(() => references.dereference(written) ?? {});
    if ('reason' in item) return [];
    const shared = parametersIn(item.value, references);
    return Object.entries(item.value).flatMap(([verb, operation]): Operation[] => {
      if (!VERBS.has(verb) || !isJsonObject(operation)) return [];
      const own = parametersIn(operation, references);
      const inherited = shared.filter(
        (one) => !own.some(({ name, in: where }) => name === one['name'] && where === one['in']),
      );
      return [{ verb: verb.toUpperCase(), path, operation, parameters: [...inherited, ...own] }];
    });
  });
  if (all.length > MOST_OPERATIONS) throw new NotOpenApi(`The document has more than ${MOST_OPERATIONS} operations.`);
  return all;
}

/** A parameter that cannot be found stands there without a name, so that its operation is skipped and told. */
function parametersIn({ parameters }: JsonObject, references: ReferenceResolver): readonly JsonObject[] {
  return (Array.isArray(parameters) ? parameters : []).flatMap((written) => {
    const found = attempt(() => references.dereference(written));
    if ('reason' in found) return [{ name: '?', in: 'path' }];
    return found.value ? [found.value] : [];
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

function freeName(wanted: string, taken: JsonObject): string {
  const base = wanted === '' ? 'operation' : wanted;
  let name = base;
  for (let count = 2; Object.hasOwn(taken, name); count += 1) name = `${base}_${count}`;
  return name;
}

/** One that is complete: variables and addresses relative to the document are for people to fill in. */
function addressIn(servers: JsonValue | undefined): string | undefined {
  const [first] = Array.isArray(servers) ? servers : [];
  const url = isJsonObject(first) ? first['url'] : undefined;
  return typeof url === 'string' && /^https?:\/\//.test(url) && !url.includes('{') ? url : undefined;
}
