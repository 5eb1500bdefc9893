import { META } from '../codecs/index.js';
import { RpcCode } from '../error-codes.js';
import type { JsonObject } from '../json.js';
import type { JsonRpcRequest, RpcError } from '../json-rpc.js';
import { metaOf } from '../methods.js';
import { trimOptionalWhitespace } from './optional-whitespace.js';
import { isTaskMethod } from '../tasks.js';
import { isMirrored, valueAt, type ParameterHeader } from './parameters.js';
import { decodeHeaderValue } from './value-codec.js';

/** HTTP headers with lower-case names, as Node provides them. A list represents a repeated header. */
export type Headers = Readonly<Record<string, string | string[] | undefined>>;

/**
 * Compares the standard headers of a modern request with its body (specification:
 * basic/transports/streamable-http, Server Validation). A mismatch is answered with HTTP 400.
 */
export function checkMirroredHeaders(message: JsonRpcRequest, headers: Headers): RpcError | undefined {
  const { method, params = {} } = message;
  const revision = metaOf(params)[META.protocolVersion];
  return (
    compare(
      'MCP-Protocol-Version',
      readSingle(headers, 'mcp-protocol-version'),
      typeof revision === 'string' ? revision : ANY,
    ) ??
    compare('Mcp-Method', readSingle(headers, 'mcp-method'), method) ??
    checkName(method, params, headers)
  );
}

/** Represents a value that the body lacks; the codec reports what is missing there. */
const ANY = Symbol('any');

function compare(name: string, value: string | undefined, expected: unknown): RpcError | undefined {
  if (value === undefined) return mismatch(`${name} is missing or given more than once`);
  if (expected === ANY || value === expected) return undefined;
  return mismatch(`${name} does not match the body`);
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

function checkName(method: string, params: JsonObject, headers: Headers): RpcError | undefined {
  if (!Object.hasOwn(NAME_PARAMS, method)) return undefined;
  const expected = params[NAME_PARAMS[method] ?? ''];
  const raw = readSingle(headers, 'mcp-name');
  // Methods of tasks belong to an extension, which clients may have implemented before it required the header.
  if (headers['mcp-name'] === undefined && isTaskMethod(method)) return undefined;
  if (raw === undefined) return mismatch('Mcp-Name is missing or given more than once');
  const value = decodeHeaderValue(raw);
  if (value === undefined) return mismatch('Mcp-Name is malformed');
  // The handler of the method rejects params without a name.
  if (typeof expected !== 'string' || value === expected.toWellFormed()) return undefined;
  return mismatch('Mcp-Name does not match the body');
}

/**
 * Compares the headers that mirror tool parameters with the arguments of the call. A header whose parameter is absent
 * or null is ignored.
 */
export function checkParameterHeaders(
  expected: readonly ParameterHeader[],
  args: JsonObject,
  headers: Headers,
): RpcError | undefined {
  for (const { header, path } of expected) {
    const value = valueAt(args, path);
    if (!isMirrored(value)) continue;
    const raw = readSingle(headers, header.toLowerCase());
    if (raw === undefined) return mismatch(`${header} is missing or given more than once`);
    const decoded = decodeHeaderValue(raw);
    if (decoded === undefined) return mismatch(`${header} is malformed`);
    if (!matchesValue(decoded, value)) return mismatch(`${header} does not match the body`);
  }
  return undefined;
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

function mismatch(fault: string): RpcError {
  return { code: RpcCode.headerMismatch, message: `Header mismatch: ${fault}.` };
}
