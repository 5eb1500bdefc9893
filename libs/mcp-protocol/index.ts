export { GatewayCode, RpcCode, type ExecutionOutcome } from './error-codes.js';
export { isJsonObject, type JsonObject, type JsonValue } from './json.js';
export type {
  JsonRpcFailure,
  JsonRpcMessage,
  JsonRpcNotification,
  JsonRpcRequest,
  JsonRpcResponse,
  JsonRpcResult,
  RequestId,
  RpcError,
} from './json-rpc.js';
export { capabilityOf, capabilityOfQuestion, isListMethod, LIST_MEMBERS, metaOf, type ListMethod } from './methods.js';
export {
  failure,
  LOG_LEVELS,
  result,
  type Answer,
  type ClientProfile,
  type Era,
  type LogLevel,
  type McpNotification,
  type McpRequest,
  type Outcome,
  type Question,
  type ReplyEvent,
  type ReplySink,
} from './neutral.js';
