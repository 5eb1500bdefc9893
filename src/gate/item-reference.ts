import type { ItemKind } from '#lib/extension-kit';
import { isJsonObject, type JsonObject, type McpRequest } from '#lib/mcp-protocol';

/** The item that a client's request names, as the client wrote it. */
export interface ItemReference {
  readonly kind: ItemKind;
  /** Public name, URI, or URI template. */
  readonly text: string;
  /** True where a URI template may stand. */
  readonly isTemplate?: boolean;
  /** Arguments of a call or of a prompt. A completion has none: its arguments are not complete yet. */
  readonly args?: JsonObject;
}

/** States which member of the params is malformed. */
export interface ReferenceFault {
  readonly fault: string;
}

const NO_ARGUMENTS: JsonObject = {};

/** Reads the item of a request strictly by its method, and of a completion strictly by `ref.type`. */
export function readItemReference({ method, params }: McpRequest): ItemReference | ReferenceFault {
  switch (method) {
    case 'tools/call':
      return readName('tools', params);
    case 'prompts/get':
      return readName('prompts', params);
    case 'completion/complete':
      return readCompletionReference(params['ref']);
    default:
      return readUri(params['uri'], 'params.uri');
  }
}

function readName(kind: 'tools' | 'prompts', params: JsonObject): ItemReference | ReferenceFault {
  const { name, arguments: args } = params;
  if (typeof name !== 'string') return { fault: 'params.name must be a string.' };
  // Policies and interceptors could not see other arguments, which a server might still use.
  if (args !== undefined && !isJsonObject(args)) return { fault: 'params.arguments must be an object.' };
  return { kind, text: name, args: args ?? NO_ARGUMENTS };
}

function readUri(uri: unknown, path: string, isTemplate = false): ItemReference | ReferenceFault {
  if (typeof uri !== 'string') return { fault: `${path} must be a string.` };
  return { kind: 'resources', text: uri, ...(isTemplate && { isTemplate }) };
}

/** A `ref` that names a prompt and a resource is ambiguous: a server could complete another one than was checked. */
function readCompletionReference(ref: unknown): ItemReference | ReferenceFault {
  if (!isJsonObject(ref)) return { fault: 'params.ref must be an object.' };
  const { type, name, uri } = ref;
  if (type !== 'ref/prompt' && type !== 'ref/resource')
    return { fault: 'params.ref.type must be "ref/prompt" or "ref/resource".' };
  const [allowed, forbidden] = type === 'ref/prompt' ? ['name', 'uri'] : ['uri', 'name'];
  if (Object.hasOwn(ref, forbidden ?? ''))
    return { fault: `params.ref of type "${type}" must not have the member "${forbidden}". Send "${allowed}" only.` };
  if (type === 'ref/resource') return readUri(uri, 'params.ref.uri', true);
  return typeof name === 'string' ? { kind: 'prompts', text: name } : { fault: 'params.ref.name must be a string.' };
}
