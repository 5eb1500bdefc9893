import type { Outcome } from '#lib/mcp-protocol';
import { protocolViolation } from '../../upstream.errors.js';
import { findInputRequestFault } from '../questions.js';
import type { InFlightCall } from '../in-flight-call.js';

/** Converts a result with forbidden input requests to a protocol violation of the server. */
export function checkInputRequests(outcome: Outcome, call: InFlightCall): Outcome {
  if (outcome.kind === 'error') return outcome;
  const { method, client } = call.request;
  const fault = findInputRequestFault(method, outcome.result, client.capabilities);
  return fault === undefined ? outcome : protocolViolation(call.server, fault);
}
