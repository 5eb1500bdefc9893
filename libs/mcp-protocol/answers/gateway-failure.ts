import { GatewayCode, type ExecutionOutcome } from '../error-codes.js';
import type { JsonObject } from '../json.js';
import type { Outcome } from '../neutral.js';

const HTTP_STATUS = {
  [GatewayCode.outcomeUnknown]: 504,
  [GatewayCode.upstreamFailed]: 502,
  [GatewayCode.upstreamBrokeProtocol]: 502,
} as const;

/** An error of our own making. Its data always says whether the call ran and whether to try again. */
export function gatewayFailure(
  code: keyof typeof HTTP_STATUS,
  message: string,
  told: { readonly outcome: ExecutionOutcome; readonly retriable: boolean } & JsonObject,
): Outcome {
  return { kind: 'error', error: { code, message, data: told }, httpStatus: HTTP_STATUS[code] };
}

/** The server's answer was no answer to the request; whether the call ran cannot be told. */
export function protocolViolation(what: string): Outcome {
  const told = { outcome: 'unknown', retriable: false } as const;
  return gatewayFailure(GatewayCode.upstreamBrokeProtocol, `Upstream broke the protocol: ${what}.`, told);
}
