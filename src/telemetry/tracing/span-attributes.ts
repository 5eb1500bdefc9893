import type { Attributes } from '@opentelemetry/api';
import type { CallRecord } from '#lib/extension-kit';
import type { JsonObject, JsonValue, Outcome, RequestId } from '#lib/mcp-protocol';
import { truncateLabel } from '../../workers/index.js';
import { toSafeUri } from '../safe-text.js';
import type { TracedServer, TracedServerRequest } from './call-tracer.js';

/** Methods whose `name` is the target of the request, and the attribute for it. */
const NAME_ATTRIBUTES: Readonly<Record<string, string | undefined>> = {
  'tools/call': 'gen_ai.tool.name',
  'prompts/get': 'gen_ai.prompt.name',
};

/** Methods with the URI of a resource. */
const URI_METHODS: ReadonlySet<string> = new Set(['resources/read', 'resources/subscribe', 'resources/unsubscribe']);

const TOOL_CALL = 'tools/call';
const TOOL_ERROR = 'tool_error';

/** Maximum number of characters of the JSON of arguments and of results. */
const MAX_CONTENT_CHARACTERS = 8_192;

/** The name of a span: the method, and the name of the tool or prompt. URIs would make too many names. */
export const toSpanName = (method: string, name: string | undefined): string =>
  name === undefined || NAME_ATTRIBUTES[method] === undefined ? method : `${method} ${name}`;

export function toRecordAttributes(record: CallRecord): Attributes {
  const { method = '', item, code } = record;
  return {
    ...toTarget(method, item, item),
    'mcp.protocol.version': record.clientRevision,
    // The id itself grants access.
    'mcp.session.id': record.session,
    'rpc.response.status_code': code === undefined ? undefined : String(code),
    'http.response.status_code': record.httpStatus,
    'isthmus.request_id': record.requestId,
    'isthmus.worker': record.worker,
    'isthmus.endpoint': record.endpoint,
    'isthmus.server': record.server,
    'isthmus.outcome': record.outcome,
    'isthmus.own_ms': record.ownMs,
    'isthmus.server_ms': record.serverMs,
    'isthmus.client_ms': record.clientMs,
    'isthmus.forwarded_from': record.forwardedFrom,
    'isthmus.forwarded_to': record.forwardedTo,
    'isthmus.parked_call': record.parkedCall,
    'isthmus.interception': record.interception,
    'isthmus.intercepted_by': record.interceptedBy,
  };
}

/** The code, or that the tool reports its own failure. Undefined: the request succeeded. */
export function errorTypeOf(outcome: Outcome): string | undefined {
  if (outcome.kind === 'error') return String(outcome.error.code);
  return outcome.result['isError'] === true ? TOOL_ERROR : undefined;
}

export function errorTypeOfRecord({ code, isToolError }: CallRecord): string | undefined {
  if (isToolError) return TOOL_ERROR;
  return code === undefined ? undefined : String(code);
}

/** The attributes of a request when its span starts. */
export const toMethodAttributes = (method: string, id?: RequestId): Attributes => ({
  'mcp.method.name': method,
  'gen_ai.operation.name': method === TOOL_CALL ? 'execute_tool' : undefined,
  'jsonrpc.request.id': id === undefined ? undefined : truncateLabel(String(id)),
});

export function toServerRequestAttributes({ server, request, revision }: TracedServerRequest): Attributes {
  const { method, params } = request;
  return {
    ...toMethodAttributes(method),
    ...toTarget(method, nameOf(params), params['uri']),
    'mcp.protocol.version': revision,
    'isthmus.server': server.slug,
    ...addressOf(server),
  };
}

export function nameOf({ name }: JsonObject): string | undefined {
  return typeof name === 'string' ? truncateLabel(name) : undefined;
}

/** Only for operators who opted in: arguments may be secret. */
export const toArgumentAttributes = (method: string, params: JsonObject): Attributes =>
  method === TOOL_CALL ? { 'gen_ai.tool.call.arguments': toContent(params['arguments'] ?? {}) } : {};

/** Only for operators who opted in: results may be secret. */
export const toResultAttributes = (method: string, outcome: Outcome): Attributes =>
  method === TOOL_CALL && outcome.kind === 'result' ? { 'gen_ai.tool.call.result': toContent(outcome.result) } : {};

const toContent = (value: JsonValue): string => JSON.stringify(value).slice(0, MAX_CONTENT_CHARACTERS).toWellFormed();

function toTarget(method: string, name: string | undefined, uri: unknown): Attributes {
  const attribute = NAME_ATTRIBUTES[method];
  if (attribute !== undefined && name !== undefined) return { [attribute]: name };
  return URI_METHODS.has(method) && typeof uri === 'string' ? { 'mcp.resource.uri': toSafeUri(uri) } : {};
}

const addresses = new WeakMap<TracedServer, Attributes>();

/** Host and port only: the rest of a URL may contain credentials. */
function addressOf(server: TracedServer): Attributes {
  const known = addresses.get(server);
  if (known) return known;
  const address = toAddress(server);
  addresses.set(server, address);
  return address;
}

function toAddress({ transport, url: text }: TracedServer): Attributes {
  const url = text === undefined ? null : URL.parse(text);
  // How an extension reaches its servers is unknown.
  if (!url) return transport === 'stdio' ? { 'network.transport': 'pipe' } : {};
  return {
    'network.transport': 'tcp',
    'network.protocol.name': 'http',
    'server.address': url.hostname,
    'server.port': Number(url.port) || (url.protocol === 'https:' ? 443 : 80),
  };
}
