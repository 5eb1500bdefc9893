import { GatewayError } from '#lib/extension-kit';

/**
 * A failure that means more to the worker that sent the order than an error: what it asked for is at another worker, or
 * nowhere. Nothing has run. Modules extend this for the orders that they serve; elsewhere it is an error like any other.
 */
export abstract class WorkerSignal extends GatewayError {
  /** What the other worker gets in place of an Outcome. Its `kind` is none of an Outcome's. */
  abstract toReply(): object;
}
