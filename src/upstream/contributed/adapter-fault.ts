import { GatewayError } from '#lib/extension-kit';
import { toFaultOutcome, type Outcome, type TransportFault } from '#lib/mcp-protocol';

/**
 * The outcome of what an adapter has thrown: what a `GatewayError` of the kit states, and otherwise `fault` with the message, which is
 * cleaned for callers.
 */
export function toThrownOutcome(cause: unknown, fault: TransportFault): Outcome {
  return cause instanceof GatewayError ? cause.toOutcome() : toFaultOutcome(fault, describe(cause));
}

/** For operators. */
export function describe(cause: unknown): string {
  if (cause instanceof Error) return cause.message === '' ? cause.name : cause.message;
  return typeof cause === 'string' ? cause : 'the adapter failed without an error';
}
