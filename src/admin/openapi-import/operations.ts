import { isJsonObject, type JsonObject } from '#lib/mcp-protocol';
import type { Operation, Skipped } from './operation.js';
import { ImportFault, type ReferenceResolver } from './reference-resolver.js';
import { toOpenApi3 } from './swagger-2.js';

const VERBS: ReadonlySet<string> = new Set(['get', 'head', 'post', 'put', 'patch', 'delete']);
const OTHER_VERBS: ReadonlySet<string> = new Set(['options', 'trace', 'query']);

/** An operation, or why it cannot be read. */
export type Found = { readonly operation: Operation } | { readonly skipped: Skipped; readonly id?: string };

/** Reads all operations of a document. */
export function readOperations(document: JsonObject, references: ReferenceResolver): readonly Found[] {
  const { paths } = document;
  return Object.entries(isJsonObject(paths) ? paths : {}).flatMap(([path, item]): readonly Found[] => {
    if (path.startsWith('x-')) return [];
    try {
      return readPath(document, path, references.dereference(item) ?? {}, references);
    } catch (cause) {
      if (cause instanceof ImportFault) return [{ skipped: { operation: path, reason: cause.message } }];
      throw cause;
    }
  });
}

function readPath(
  document: JsonObject,
  path: string,
  item: JsonObject,
  references: ReferenceResolver,
): readonly Found[] {
  const { additionalOperations } = item;
  const others = Object.keys(isJsonObject(additionalOperations) ? additionalOperations : {}).map(toUnsupported(path));
  const found = Object.entries(item).flatMap(([verb, operation]): readonly Found[] => {
    if (OTHER_VERBS.has(verb)) return [toUnsupported(path)(verb)];
    if (!VERBS.has(verb) || !isJsonObject(operation)) return [];
    return [readOperation(document, path, verb.toUpperCase(), item, operation, references)];
  });
  return [...found, ...others];
}

const toUnsupported =
  (path: string) =>
  (verb: string): Found => ({
    skipped: { operation: `${verb.toUpperCase()} ${path}`, reason: 'a tool cannot have this method' },
  });

function readOperation(
  document: JsonObject,
  path: string,
  verb: string,
  item: JsonObject,
  operation: JsonObject,
  references: ReferenceResolver,
): Found {
  try {
    const parameters = joinParameters(readParameters(item, references), readParameters(operation, references));
    const servers = operation['servers'] ?? item['servers'];
    const read = { verb, path, operation, parameters, servers };
    return { operation: typeof document['swagger'] === 'string' ? toOpenApi3(read, document, references) : read };
  } catch (cause) {
    if (!(cause instanceof ImportFault)) throw cause;
    const { operationId: id } = operation;
    const skipped = { operation: `${verb} ${path}`, reason: cause.message };
    return { skipped, ...(typeof id === 'string' && { id }) };
  }
}

/** A parameter of the operation replaces that of the path with its name and place. */
function joinParameters(shared: readonly JsonObject[], own: readonly JsonObject[]): readonly JsonObject[] {
  const isSame = (one: JsonObject, other: JsonObject): boolean =>
    one['name'] === other['name'] && one['in'] === other['in'];
  const remaining = shared.filter((one) => !own.some((other) => isSame(one, other)));
  return [...remaining, ...own].filter((one, index, all) => all.findIndex((other) => isSame(one, other)) === index);
}

function readParameters({ parameters }: JsonObject, references: ReferenceResolver): readonly JsonObject[] {
  const given = Array.isArray(parameters) ? parameters : [];
  return given.map((parameter) => references.dereference(parameter)).filter((each) => each !== undefined);
}
