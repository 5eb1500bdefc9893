import type { Outcome } from '#lib/mcp-protocol';
import { protocolViolation } from '../../upstream.errors.js';
import { findInputRequestFault } from '../questions.js';
import type { InFlightCall } from '../in-flight-call.js';

/** A result that asks for what it must not ask is the server's breach of the protocol. */
export function checkInputRequests(outcome: Outcome, call: InFlightCall): Outcome {
  if (outcome.kind === 'error') return outcome;
  const { method, client } = call.request;
  const complaint = findInputRequestFault(method, outcome.result, client.capabilities);
  return complaint === undefined ? outcome : protocolViolation(call.server, complaint);
}
