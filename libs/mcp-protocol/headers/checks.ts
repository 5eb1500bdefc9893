import { eraOfRevision, META, unsupportedRevision } from '../codecs/index.js';
import { RpcCode } from '../error-codes.js';
import type { JsonObject } from '../json.js';
import type { JsonRpcNotification, JsonRpcRequest, RpcError } from '../json-rpc.js';
import { metaOf } from '../methods.js';
import { trimOptionalWhitespace } from './optional-whitespace.js';
import { isTaskMethod } from '../tasks.js';
import { isMirrored, valueAt, type ParameterHeader } from './parameters.js';
import { decodeHeaderValue } from './value-codec.js';

/** HTTP headers with lower-case names, as Node provides them. A list represents a repeated header. */
export type Headers = Readonly<Record<string, string | string[] | undefined>>;

/**
 * Compares the standard headers of a modern request with its body (specification:
 * basic/transports/streamable-http, Server Validation). The error names every header that does not match; it is answered with
 * HTTP 400. A body without a revision is of the revision that the header names.
 */
export function checkMirroredHeaders(message: JsonRpcRequest, headers: Headers): RpcError | undefined {
  const { method, params = {} } = message;
  const inBody = metaOf(params)[META.protocolVersion];
  const inHeader = readSingle(headers, 'mcp-protocol-version');
  const isInHeaderOnly = typeof inBody !== 'string' && inHeader !== undefined;
  if (isInHeaderOnly && eraOfRevision(inHeader) !== 'modern') return unsupportedRevision(inHeader);
  return toMismatch(
    compare('MCP-Protocol-Version', inHeader, typeof inBody === 'string' ? inBody : ANY),
    compare('Mcp-Method', readSingle(headers, 'mcp-method'), method),
    compareName(method, params, headers),
  );
}

/**
 * Compares the standard headers of a modern notification with its body, as far as it has them: official clients send them with
 * requests only.
 */
export function checkNotificationHeaders(
  { method, params = {} }: JsonRpcNotification,
  headers: Headers,
): RpcError | undefined {
  const inBody = metaOf(params)[META.protocolVersion];
  const compareIfGiven = (name: string, expected: unknown) => {
    const value = headers[name.toLowerCase()];
    return value === undefined ? undefined : compare(name, readSingle(headers, name.toLowerCase()), expected);
  };
  return toMismatch(
    compareIfGiven('MCP-Protocol-Version', typeof inBody === 'string' ? inBody : ANY),
    compareIfGiven('Mcp-Method', method),
  );
}

/** Represents a value that the body lacks; the codec reports what is missing there. */
const ANY = Symbol('any');

function compare(name: string, value: string | undefined, expected: unknown): string | undefined {
  if (value === undefined) return `${name} is missing or given more than once`;
  return expected === ANY || value === expected ? undefined : `${name} does not match the body`;
}

/** The member of the params that Mcp-Name mirrors, by the methods that require it. */
const NAME_PARAMS: Readonly<Record<string, string>> = {
  'tools/call': 'name',
  'prompts/get': 'name',
  'resources/read': 'uri',
  'tasks/get': 'taskId',
  'tasks/update': 'taskId',
  'tasks/cancel': 'taskId',
};

function compareName(method: string, params: JsonObject, headers: Headers): string | undefined {
  if (!Object.hasOwn(NAME_PARAMS, method)) return undefined;
  const expected = params[NAME_PARAMS[method] ?? ''];
  // The handler of the method rejects params without a name.
  if (typeof expected !== 'string') return undefined;
  const raw = readSingle(headers, 'mcp-name');
  // Methods of tasks belong to an extension, which clients may have implemented before it required the header.
  if (headers['mcp-name'] === undefined && isTaskMethod(method)) return undefined;
  if (raw === undefined) return 'Mcp-Name is missing or given more than once';
  const value = decodeHeaderValue(raw);
  if (value === undefined) return 'Mcp-Name is malformed';
  return value === expected.toWellFormed() ? undefined : 'Mcp-Name does not match the body';
}

/**
 * Compares the headers that mirror tool parameters with the arguments of the call. The error names every header that does
 * not match. A header whose parameter is absent or null is ignored.
 */
export function checkParameterHeaders(
  expected: readonly ParameterHeader[],
  args: JsonObject,
  headers: Headers,
): RpcError | undefined {
  return toMismatch(...expected.map((parameter) => compareParameter(parameter, args, headers)));
}

function compareParameter({ header, path }: ParameterHeader, args: JsonObject, headers: Headers): string | undefined {
  const value = valueAt(args, path);
  if (!isMirrored(value)) return undefined;
  const raw = readSingle(headers, header.toLowerCase());
  if (raw === undefined) return `${header} is missing or given more than once`;
  const decoded = decodeHeaderValue(raw);
  if (decoded === undefined) return `${header} is malformed`;
  return matchesValue(decoded, value) ? undefined : `${header} does not match the body`;
}

const DECIMAL = /^-?\d+(?:\.\d+)?$/;

function matchesValue(header: string, value: string | number | boolean): boolean {
  if (typeof value === 'string') return header === value.toWellFormed();
  if (typeof value === 'number' && DECIMAL.test(header)) return Number(header) === value;
  return header === String(value);
}

function readSingle(headers: Headers, name: string): string | undefined {
  const value = headers[name];
  return typeof value === 'string' ? trimOptionalWhitespace(value) : undefined;
}

function toMismatch(...compared: readonly (string | undefined)[]): RpcError | undefined {
  const faults = compared.filter((fault) => fault !== undefined);
  if (faults.length === 0) return undefined;
  return { code: RpcCode.headerMismatch, message: `Header mismatch: ${faults.join('; ')}.` };
}
