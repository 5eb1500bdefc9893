import { isJsonObject } from '../json.js';
import type { RequestId } from '../json-rpc.js';
import type { Outcome } from '../neutral.js';
import { isRpcError } from '../read-message.js';
import { toServerContent, toServerError } from './gateway-claims.js';
import { protocolViolation } from './gateway-failure.js';

/**
 * Converts one parsed JSON-RPC message to the outcome of the request with this id. A success needs an object with this
 * id and a result that is an object; everything else that is not a valid answer is a protocol violation of the server.
 */
export function toMessageOutcome(value: unknown, id: RequestId): Outcome {
  if (!isJsonObject(value)) return protocolViolation('the answer is not a JSON object');
  if (value['jsonrpc'] !== '2.0' || value['method'] !== undefined) {
    return protocolViolation('the answer is not a JSON-RPC 2.0 response');
  }
  if (value['id'] !== id) return protocolViolation('the answer does not carry the id of the request');
  const { result, error } = value;
  if (result !== undefined && error !== undefined) return protocolViolation('the answer holds both result and error');
  if (isJsonObject(result)) return { kind: 'result', result: toServerContent(result) };
  if (isRpcError(error)) return { kind: 'error', error: toServerError(error) };
  return protocolViolation('the answer holds neither a result object nor a valid error');
}
