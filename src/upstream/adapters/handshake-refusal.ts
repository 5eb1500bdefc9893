import { OutcomeError } from '#lib/extension-kit';
import { GatewayCode, isJsonObject } from '#lib/mcp-protocol';

/** Statuses that say nothing about the era of a server: the same request may succeed with other credentials, or later. */
const INCONCLUSIVE_STATUSES: ReadonlySet<number> = new Set([401, 403, 408, 429]);

/** Returns whether a server has refused a handshake because it does not know it, and not because it cannot serve now. */
export function refusesHandshake(error: unknown): boolean {
  if (!(error instanceof OutcomeError)) return false;
  const { error: reported, httpStatus } = error.outcome;
  // The error is one of the server itself, or its answer was none of a handshake.
  if (httpStatus === undefined || reported.code === GatewayCode.upstreamBrokeProtocol) return true;
  const status = isJsonObject(reported.data) ? reported.data['httpStatus'] : undefined;
  return typeof status === 'number' && status >= 400 && status < 500 && !INCONCLUSIVE_STATUSES.has(status);
}
