import type { Outcome } from '#lib/mcp-protocol';
import { brokeProtocol } from '../../upstream.errors.js';
import { undeclaredInput } from '../questions.js';
import type { RunningCall } from '../running-call.js';

/** A result that asks the client for what it did not declare is the server's breach of the protocol. */
export function checkedInput(outcome: Outcome, call: RunningCall): Outcome {
  if (outcome.kind === 'error') return outcome;
  const complaint = undeclaredInput(outcome.result, call.request.client.capabilities);
  return complaint === undefined ? outcome : brokeProtocol(call.server, complaint);
}
