import { registerKit } from './loaded-kits.js';

export {
  AccessPolicy,
  toGuardedServer,
  type GuardedEndpoint,
  type AccessDecision,
  type AccessExplanation,
  type AccessRequest,
  type GuardedServer,
  type ItemKind,
  type ItemUse,
  type RuleExplanation,
  type AccessScope,
} from './access-policy.js';
export {
  CALL_INTERCEPTORS,
  CallInterceptor,
  InterceptsCalls,
  type AdminDecision,
  type AdminQuestion,
  type CallChanges,
  type CallerAnswer,
  type CallerQuestion,
  type InterceptedCall,
  type InterceptedMethod,
  type InterceptorOptions,
  type NextCall,
} from './call-interceptor.js';
export {
  CALL_RECORD_SINKS,
  CallRecordSink,
  INTERCEPTIONS,
  SinksCallRecords,
  type CallRecord,
  type CallTransport,
  type Interception,
} from './call-record.js';
export { ANONYMOUS, tokenIdOf, type Caller, type Principal, type TokenGrants } from './caller.js';
export { Clock, SystemClock } from '#lib/time';
export { ContributionKind, MethodContributionKind, type ContributionOptions, type Port } from './contribution.js';
export {
  GATEWAY_EVENT_LISTENERS,
  GATEWAY_EVENT_TYPES,
  OnGatewayEvent,
  type GatewayEvent,
  type GatewayEventData,
  type GatewayEventListener,
  type GatewayEventType,
} from './gateway-event.js';
export { isSecretPath, Secret, secretValuesOf } from './entry-secrets.js';
export { retryAfterSeconds } from './retry-after.js';
export { GatewayError, type GatewayErrorData } from './gateway-error.js';
export {
  declaredOptionClasses,
  Guardrail,
  GUARDRAIL_CHECKS,
  GUARDRAIL_PHASES,
  GuardrailCheck,
  PASS,
  type GuardrailCheckOptions,
  type GuardrailFinding,
  type GuardrailPhase,
  type GuardrailSubject,
  type GuardrailVerdict,
} from './guardrail-check.js';
export {
  HandlesMethod,
  VENDOR_METHOD_HANDLERS,
  VendorMethodHandler,
  type HandledMethod,
  type HandledMethodOptions,
  type VendorRequest,
} from './vendor-method-handler.js';
export { compileLinearPattern, IsLinearPattern, type LinearPattern, type PatternMatch } from './linear-pattern.js';
export { FiltersLists, LIST_FILTERS, ListFilter, type ViewedItem } from './list-filter.js';
export { OutcomeError } from './outcome-error.js';
export { PlacementStrategy, type PlacementRequest } from './placement-strategy.js';
export { PRODUCT } from './product.js';
export { loadedKits, type LoadedKit } from './loaded-kits.js';
export { SecretStore, type OpenedSecret, type SecretContext } from './secret-store.js';
export { defaultOf, InjectDefault, STRATEGIES, type Strategy } from './strategies.js';
export {
  answerForTools,
  errorResult,
  structuredResult,
  textResult,
  ToolConnection,
  toToolServerProfile,
  UnknownTool,
  type ToolCallContext,
  type ToolDefinition,
} from './tool-connection.js';
export { TransportFailure, type TransportFailureOptions } from './transport-failure.js';
export { TokenVerifier, type RequestedResource, type VerifiedToken } from './token-verifier.js';

export {
  ConnectsUpstream,
  declaredEntryClasses,
  UPSTREAM_ADAPTERS,
  UpstreamAdapter,
  type AdaptedServer,
  type AdapterConnection,
  type AdapterEvents,
  type AdapterReply,
  type AdapterRequest,
  type ConnectAttempt,
  type ServerProfile,
  type UpstreamAdapterOptions,
} from './upstream-adapter.js';

/** Codes of the gateway's errors (docs/errors.md). */
export { GatewayCode } from '#lib/mcp-protocol';

/** Tools for guardrails. */
export { AddressGuard, findLiteralAddress, guardedConnector, isSecureUrl } from '#lib/address-guard';
export { compileGlob, compileGlobs } from '#lib/glob';
export { compileSchema, SchemaFault, type SchemaCheck } from '#lib/json-schema';
export {
  joinSpans,
  doTextWork,
  mapTexts,
  maskTexts,
  replaceSpans,
  toCompatible,
  TooMuchText,
  WORK_PER_CANDIDATE,
  workOfSearch,
  type MaskedTexts,
  type TextFinder,
  type TextFinding,
  type TextMapping,
  type TextSearch,
  type TextSpan,
  type TextWork,
} from '#lib/json-texts';

export { isJsonObject, parseJson } from '#lib/mcp-protocol';
export { isWebhookSecret, signedHeaders, WEBHOOK_SECRET_FORM, type WebhookMessage } from '#lib/webhooks';

/** Types of the protocol that the ports use. */
export type {
  Answer,
  ClientProfile,
  Era,
  ExecutionOutcome,
  JsonObject,
  JsonValue,
  McpNotification,
  McpRequest,
  Outcome,
  Question,
  RpcError,
} from '#lib/mcp-protocol';

export {
  UpstreamCredentials,
  type Credentials,
  type CredentialsRequest,
  type UpstreamServer,
} from './upstream-credentials.js';

registerKit(import.meta.url);
