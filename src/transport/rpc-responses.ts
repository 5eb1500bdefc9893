import { retryAfterSeconds, type GatewayError } from '#lib/extension-kit';
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

/** The JSON-RPC error response of a rejected request. The id is null when it could not be read (JSON-RPC 2.0, 5). */
export function toRefusalText(refusal: RpcError, id: RequestId | null = null): string {
  return JSON.stringify({ jsonrpc: '2.0', id, error: markGatewayError(refusal) });
}

/** The HTTP headers of an error response. */
export function toRefusalHeaders(refusal: GatewayError): Record<string, string> {
  const headers: Record<string, string> = {};
  if ('headers' in refusal) Object.assign(headers, refusal.headers);
  if ('wwwAuthenticate' in refusal) headers['www-authenticate'] = String(refusal.wwwAuthenticate);
  return { ...headers, ...toRetryAfterHeader(refusal.httpStatus, refusal.data) };
}

/** Adds the Retry-After header of an error that is answered with this status. */
export const withRetryAfter = (writer: ReplyWriter, outcome: Outcome, status: number): ReplyWriter =>
  outcome.kind === 'error' ? writer.withHeaders(toRetryAfterHeader(status, outcome.error.data)) : writer;

const NO_HEADERS = {};

function toRetryAfterHeader(status: number, data: unknown): Record<string, string> {
  const seconds = retryAfterSeconds(status, data);
  return seconds === undefined ? NO_HEADERS : { 'retry-after': String(seconds) };
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
