import type { GatewayError } from '#lib/extension-kit';
import type { ReplyWriter } from './reply-writer.js';
import {
  markGatewayError,
  type JsonObject,
  type Outcome,
  type ReplyEvent,
  type RequestId,
  type RpcError,
} from '#lib/mcp-protocol';

/** The JSON-RPC response for an outcome. */
export function toResponseText(id: RequestId, outcome: Outcome): string {
  const member = outcome.kind === 'result' ? 'result' : 'error';
  const value = outcome.kind === 'result' ? outcome.result : markGatewayError(outcome.error);
  return `{"jsonrpc":"2.0","id":${JSON.stringify(id)},"${member}":${JSON.stringify(value)}}`;
}

/** The JSON-RPC error response of a rejected request. The id is missing when it could not be read. */
export function toRefusalText(refusal: RpcError, id?: RequestId): string {
  const error = markGatewayError(refusal);
  return JSON.stringify(id === undefined ? { jsonrpc: '2.0', error } : { jsonrpc: '2.0', id, error });
}

/** The HTTP headers of an error response. */
export function toRefusalHeaders(refusal: GatewayError): Record<string, string> {
  const headers: Record<string, string> = {};
  if ('headers' in refusal) Object.assign(headers, refusal.headers);
  if ('wwwAuthenticate' in refusal) headers['www-authenticate'] = String(refusal.wwwAuthenticate);
  return { ...headers, ...toRetryAfterHeader(refusal.data) };
}

/** Adds the Retry-After header of a retriable error. */
export const withRetryAfter = (writer: ReplyWriter, outcome: Outcome): ReplyWriter =>
  outcome.kind === 'error' ? writer.withHeaders(toRetryAfterHeader(outcome.error.data)) : writer;

const NO_HEADERS = {};

/** RFC 9110, 10.2.3. */
function toRetryAfterHeader(data: unknown): Record<string, string> {
  const retryAfterMs = (data as JsonObject | undefined)?.['retryAfterMs'];
  return typeof retryAfterMs === 'number' ? { 'retry-after': String(Math.ceil(retryAfterMs / 1000)) } : NO_HEADERS;
}

/** The JSON-RPC message of a stream event; undefined for events that each era encodes differently. */
export function toJsonRpcMessage(event: ReplyEvent): JsonObject | undefined {
  switch (event.kind) {
    case 'opened':
    case 'interrupted':
      return undefined;
    case 'notification':
      return { jsonrpc: '2.0', ...event.notification };
    case 'question':
      return { jsonrpc: '2.0', id: event.id, ...event.question };
  }
}
