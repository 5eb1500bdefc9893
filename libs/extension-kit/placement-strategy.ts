import type { GuardedServer } from './access-policy.js';

/** A connection to a server that one worker holds for all workers: a legacy session or a child process. */
export interface PlacementRequest {
  /**
   * Identifies the connection: the server and the clients that share it. Equal at every worker for the same connection. Its form is
   * not part of the contract; it contains the key of the caller whom the connection serves.
   */
  readonly key: string;
  readonly server: GuardedServer;
  /** Ids of the workers that are alive, in ascending order. Never empty. An id belongs to one run of one worker. */
  readonly workers: readonly string[];
}

/**
 * Selects the worker that holds a shared connection. Each worker decides for itself, so equal requests must have equal results at
 * every worker: the decision may depend on nothing but the request. There is one per gateway; an extension may replace it.
 *
 * Called when a connection is opened, not for each call. When it throws or returns anything but one of `workers`, the gateway's own
 * strategy decides, and the log names the strategy once.
 *
 * @example
 * class OneWorker extends PlacementStrategy {
 *   override place({ workers }: PlacementRequest): string {
 *     return workers[0] ?? '';
 *   }
 * }
 */
export abstract class PlacementStrategy {
  /** Returns one of `request.workers`. */
  abstract place(request: PlacementRequest): string;
}
