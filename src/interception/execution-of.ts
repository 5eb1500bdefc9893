import { isJsonObject, type ExecutionOutcome, type Outcome } from '#lib/mcp-protocol';
import { isExecutionOutcome } from '../telemetry/index.js';

/**
 * Whether a call with this outcome has run. Errors of the gateway state it. A server that answered with an error of its own has run
 * the call. Results with questions for a client are not among these outcomes.
 */
export function executionOf(outcome: Outcome): ExecutionOutcome {
  if (outcome.kind === 'result') return 'executed';
  const { data } = outcome.error;
  const stated = isJsonObject(data) ? data['outcome'] : undefined;
  if (isExecutionOutcome(stated)) return stated;
  return outcome.httpStatus === undefined ? 'executed' : 'unknown';
}
