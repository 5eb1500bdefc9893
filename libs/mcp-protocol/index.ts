export { withoutNullMembers } from './absent-members.js';
export {
  cleanDetail,
  hideSecrets,
  markGatewayError,
  toServerContent,
  toServerError,
  toFaultOutcome,
  toHttpOutcome,
  toMessageOutcome,
  readRefusal,
  type HttpAnswer,
  type TransportFault,
} from './answers/index.js';
export { parseServerMessage } from './deep-json.js';
export { canonicalJson } from './canonical-json.js';
export { isResourceOrPart, LIST_CHANGES, LIST_FLAGS, toListFlag, RESOURCE_UPDATED, type ListFlag } from './changes.js';
export {
  allowsBatches,
  capabilityNames,
  toLegacyAnswer,
  classifyEra,
  decodeLegacyRequest,
  decodeModernNotification,
  decodeModernRequest,
  encodeLegacyRequest,
  encodeLegacyResult,
  encodeModernRequest,
  encodeModernResult,
  eraOfRevision,
  errorForEra,
  LATEST_LEGACY_REVISION,
  LATEST_MODERN_REVISION,
  LEGACY_REVISIONS,
  META,
  MODERN_REVISIONS,
  modernStatusOf,
  needsEnvelope,
  negotiateLegacy,
  toEnvelope,
  toEnvelopeSchema,
  toLegacyQuestion,
  toModernQuestion,
  SSE_REVISION,
  SUPPORTED_REVISIONS,
  UntranslatableResult,
  toUnsupportedRevisionText,
  toUrlElicitations,
} from './codecs/index.js';
export { GatewayCode, RpcCode, type ExecutionOutcome } from './error-codes.js';
export {
  isHeaderValue,
  isToken,
  checkMirroredHeaders,
  checkNotificationHeaders,
  checkParameterHeaders,
  encodeHeaderValue,
  mirrorParameters,
  readParameterHeaders,
  trimOptionalWhitespace,
  type Headers,
  type ParameterHeader,
} from './headers/index.js';
export { isJsonObject, withPlainNumbers, type JsonObject, type JsonValue } from './json.js';
export { readPointerPart, resolvePointer, unescapePointerPart } from './json-pointer.js';
export { CursorTrail, repairList, type RepairedList } from './listed-items/index.js';
export type { JsonRpcNotification, JsonRpcRequest, JsonRpcResponse, RequestId, RpcError } from './json-rpc.js';
export {
  isTaskMethod,
  isTaskNotification,
  RELATED_TASK,
  taskCapabilityOf,
  withoutRelatedTask,
  withoutTask,
  withoutTaskCapability,
} from './tasks.js';
export {
  capabilityOf,
  capabilityOfQuestion,
  isListMethod,
  LIST_MEMBERS,
  canAnswerQuestions,
  canRequireInput,
  requiresInput,
  metaOf,
  type ListMethod,
} from './methods.js';
export { isUnknownNotification, isUnknownQuestion } from './unknown-messages.js';
export {
  failure,
  isLogLevel,
  toLogLevelFault,
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
} from './neutral.js';
export { declarationBytesOf, findDeclarationFault } from './declarations.js';
export { JsonFault, MESSAGE_BOUNDS, ownJsonBounds, parseJson } from './parse-json.js';
export { isRequestId, isRpcError, readBatch, readMessage, type MessageReading } from './read-message.js';
export { readResourceUri, toPatternForms, type ResourceUri } from './resource-uri.js';
