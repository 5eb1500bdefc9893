/** JSON-RPC 2.0 and MCP error codes (specification: basic/index, Error Codes). */
export const RpcCode = {
  parseError: -32700,
  invalidRequest: -32600,
  methodNotFound: -32601,
  invalidParams: -32602,
  internalError: -32603,
  /** Legacy revisions only. */
  resourceNotFound: -32002,
  /** Only in the legacy revision of November 2025. */
  urlElicitationRequired: -32042,
  headerMismatch: -32020,
  missingClientCapability: -32021,
  unsupportedProtocolVersion: -32022,
} as const;

/** Codes of the gateway, outside the range that the specification reserves. docs/errors.md explains each. */
export const GatewayCode = {
  ownerUnreachable: -31001,
  outcomeUnknown: -31002,
  overloaded: -31003,
  upstreamFailed: -31004,
  upstreamBrokeProtocol: -31005,
  draining: -31006,
  coordinationUnavailable: -31007,
  toolDefinitionChanged: -31008,
  deniedByPolicy: -31009,
  tooLarge: -31010,
  parkedCallLost: -31011,
  auditUnavailable: -31012,
  withheldByGuardrail: -31013,
} as const;

export type GatewayCode = (typeof GatewayCode)[keyof typeof GatewayCode];

/** Whether the call ran at the server. "unknown" is used only if the gateway cannot know it. */
export type ExecutionOutcome = 'not_executed' | 'executed' | 'unknown';
