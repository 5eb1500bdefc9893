import type { Outcome } from '#lib/mcp-protocol';
import { brokeProtocol } from '../../upstream.errors.js';
import { faultInInput } from '../questions.js';
import type { RunningCall } from '../running-call.js';

/** Converts a result with forbidden input requests to a protocol violation of the server. */
export function checkedInput(outcome: Outcome, call: RunningCall): Outcome {
  if (outcome.kind === 'error') return outcome;
  const { method, client } = call.request;
  const fault = faultInInput(method, outcome.result, client.capabilities);
  return fault === undefined ? outcome : brokeProtocol(call.server, fault);
}
