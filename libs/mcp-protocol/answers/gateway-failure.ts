import { GatewayCode, type ExecutionOutcome } from '../error-codes.js';
import type { JsonObject } from '../json.js';
import type { Outcome } from '../neutral.js';

const HTTP_STATUS = {
  [GatewayCode.outcomeUnknown]: 504,
  [GatewayCode.upstreamFailed]: 502,
  [GatewayCode.upstreamBrokeProtocol]: 502,
} as const;

/** Creates an error of the gateway. Its data always states whether the call ran and whether a retry makes sense. */
export function gatewayFailure(
  code: keyof typeof HTTP_STATUS,
  message: string,
  data: { readonly outcome: ExecutionOutcome; readonly retriable: boolean } & JsonObject,
): Outcome {
  return { kind: 'error', error: { code, message, data }, httpStatus: HTTP_STATUS[code] };
}

/** The server sent no valid answer to the request; whether the call ran is unknown. */
export function protocolViolation(fault: string): Outcome {
  const data = { outcome: 'unknown', retriable: false } as const;
  return gatewayFailure(GatewayCode.upstreamBrokeProtocol, `Upstream broke the protocol: ${fault}.`, data);
}
