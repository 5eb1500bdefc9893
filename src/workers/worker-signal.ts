import { GatewayError } from '#lib/extension-kit';

/**
 * A failure with a meaning of its own for the worker that sent the order: the session or connection is on another worker,
 * or on none. Nothing has run. Modules extend this class for the orders that they serve. Outside such an order it is an
 * error like any other.
 */
export abstract class WorkerSignal extends GatewayError {
  /** The reply to the sender in place of an Outcome. Its `kind` differs from the kinds of an Outcome. */
  abstract toReply(): object;
}
