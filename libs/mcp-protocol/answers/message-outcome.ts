import { isJsonObject } from '../json.js';
import type { RequestId, RpcError } from '../json-rpc.js';
import type { Outcome } from '../neutral.js';
import { isRpcError } from '../read-message.js';
import { protocolViolation } from './gateway-failure.js';

/**
 * What one parsed JSON-RPC message says about the request with this id. A success needs an object with this very id
 * and a result that is an object; everything that is no valid answer is the server's breach of the protocol.
 */
export function toMessageOutcome(value: unknown, id: RequestId): Outcome {
  if (!isJsonObject(value)) return protocolViolation('the answer is not a JSON object');
  if (value['jsonrpc'] !== '2.0' || value['method'] !== undefined) {
    return protocolViolation('the answer is not a JSON-RPC 2.0 response');
  }
  if (value['id'] !== id) return protocolViolation('the answer does not carry the id of the request');
  const { result, error } = value;
  if (result !== undefined && error !== undefined) return protocolViolation('the answer holds both result and error');
  if (isJsonObject(result)) return { kind: 'result', result };
  if (isRpcError(error)) return { kind: 'error', error: toRpcError(error) };
  return protocolViolation('the answer holds neither a result object nor a valid error');
}

/** Code, message and data, without what else a server may have put beside them. */
export function toRpcError(error: RpcError): RpcError {
  const { code, message, data } = error;
  return data === undefined ? { code, message } : { code, message, data };
}
