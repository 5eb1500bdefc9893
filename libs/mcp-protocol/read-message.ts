import { RpcCode } from './error-codes.js';
import { isJsonObject, type JsonObject, type JsonValue } from './json.js';
import type { JsonRpcNotification, JsonRpcRequest, JsonRpcResponse, RequestId, RpcError } from './json-rpc.js';

/** Classification of a JSON value as a JSON-RPC message. The message is the same object as the value. */
export type MessageReading =
  | { readonly kind: 'request'; readonly message: JsonRpcRequest }
  | { readonly kind: 'notification'; readonly message: JsonRpcNotification }
  | { readonly kind: 'response'; readonly message: JsonRpcResponse }
  /** The id is present if it could be read; the error response uses it. */
  | { readonly kind: 'invalid'; readonly id?: RequestId; readonly error: RpcError };

/** Maximum length of an id, in UTF-16 code units. */
const MAX_ID_LENGTH = 1024;

/** True for an id as MCP allows it (specification: basic/index, Requests), of at most `MAX_ID_LENGTH`. */
export function isRequestId(value: unknown): value is RequestId {
  return typeof value === 'string' ? value.length <= MAX_ID_LENGTH : Number.isSafeInteger(value);
}

/** Classifies a message strictly (JSON-RPC 2.0, narrowed by MCP: no null id, params are an object). */
export function readMessage(value: JsonValue): MessageReading {
  if (!isJsonObject(value)) return invalid('a message must be an object');
  const { jsonrpc, id, method } = value;
  if (jsonrpc !== '2.0') return invalid('jsonrpc must be "2.0"', id);
  if (method === undefined) return readResponse(value);
  if (typeof method !== 'string' || method === '') return invalid('method must be a non-empty string', id);
  if (value['result'] !== undefined || value['error'] !== undefined) {
    return invalid('a message with a method must have neither result nor error', id);
  }
  if (value['params'] !== undefined && !isJsonObject(value['params'])) return invalid('params must be an object', id);
  if (id === undefined) return { kind: 'notification', message: value as unknown as JsonRpcNotification };
  if (!isRequestId(id)) return invalid('id must be a string of at most 1024 characters or a safe integer');
  return { kind: 'request', message: value as unknown as JsonRpcRequest };
}

function readResponse(value: JsonObject): MessageReading {
  const { id, result, error } = value;
  if ((result === undefined) === (error === undefined)) {
    return invalid('a message needs a method, or exactly one of result and error', id);
  }
  if (result !== undefined) {
    if (!isJsonObject(result)) return invalid('result must be an object', id);
    if (!isRequestId(id)) return invalid('an answer needs the id of its request');
    return { kind: 'response', message: value as unknown as JsonRpcResponse };
  }
  if (!isRpcError(error)) return invalid('error must have an integer code and a message', id);
  if (id !== undefined && id !== null && !isRequestId(id)) return invalid('an answer needs the id of its request');
  return { kind: 'response', message: value as unknown as JsonRpcResponse };
}

/** True for the `error` member of JSON-RPC: a safe integer as code, and a text. */
export function isRpcError(value: unknown): value is RpcError {
  return isJsonObject(value) && Number.isSafeInteger(value['code']) && typeof value['message'] === 'string';
}

/** Returns the members of a batch; undefined if the value is not a batch. An empty array is an empty batch. */
export function readBatch(value: JsonValue): JsonValue[] | undefined {
  return Array.isArray(value) ? value : undefined;
}

function invalid(reason: string, id?: JsonValue): MessageReading {
  const error = { code: RpcCode.invalidRequest, message: `Invalid request: ${reason}.` };
  return isRequestId(id) ? { kind: 'invalid', id, error } : { kind: 'invalid', error };
}
