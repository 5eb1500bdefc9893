import type { Outcome } from '#lib/mcp-protocol';
import { brokeProtocol } from '../../upstream.errors.js';
import { faultInInput } from '../questions.js';
import type { RunningCall } from '../running-call.js';

/** A result that asks for what it must not ask is the server's breach of the protocol. */
export function checkedInput(outcome: Outcome, call: RunningCall): Outcome {
  if (outcome.kind === 'error') return outcome;
  const { method, client } = call.request;
  const complaint = faultInInput(method, outcome.result, client.capabilities);
  return complaint === undefined ? outcome : brokeProtocol(call.server, complaint);
}
