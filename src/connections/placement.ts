import { GatewayError } from '#lib/extension-kit';
import { GatewayCode, type Outcome } from '#lib/mcp-protocol';
import type { ServerDefinition } from '../registry/index.js';
import type { ConnectionEvents, UpstreamConnection } from '../upstream/index.js';
import type { Sharing, ConnectionScope } from './sharing.js';

/**
 * The outcome of a request over a connection that its owner worker no longer holds. The request was certainly not
 * executed, so it is sent once more over a new connection. Compare by identity: an equal outcome could come from a
 * server.
 */
export const NOT_HELD = {
  kind: 'error',
  httpStatus: 503,
  error: {
    code: GatewayCode.ownerUnreachable,
    message: 'Another worker no longer holds the connection to the server; the call was not executed. Retry.',
    data: { outcome: 'not_executed', retriable: true },
  },
} as const satisfies Outcome;

/**
 * Assigns each connection without a session to an owner worker, and opens it there. All workers that know the same
 * living workers agree on the owner.
 */
export abstract class Placement {
  /** Returns the incarnation of the worker that owns the connection. Undefined if this worker does. */
  abstract ownerOf(poolKey: string, server: ServerDefinition): string | undefined;

  /**
   * Leases the owner worker's connection, which the owner opens if necessary. Closing the returned connection ends the
   * lease, not the connection. Rejects with a GatewayError whose outcome is `not_executed`.
   */
  abstract open(
    worker: string,
    server: ServerDefinition,
    scope: ConnectionScope,
    sharing: Sharing,
    events: ConnectionEvents,
  ): Promise<UpstreamConnection>;

  /** True once a worker is dead. */
  abstract isDead(worker: string): boolean;

  /** Registers a listener for joined and dead workers. Returns a function that removes it. */
  abstract onChange(listener: () => void): () => void;
}

/** For a single worker, which owns every connection. */
export class LocalPlacement extends Placement {
  override ownerOf(): undefined {
    return undefined;
  }

  override open(): Promise<never> {
    return Promise.reject(new Error('There is no other worker.'));
  }

  override isDead(): boolean {
    return true;
  }

  override onChange(): () => void {
    return () => undefined;
  }
}

/**
 * Opens the connection on this worker if its owner cannot be reached: the owner then certainly opened none, and the
 * call must not wait until the owner counts as dead.
 */
export function openLocallyIfUnreachable(openLocally: () => Promise<UpstreamConnection>) {
  return (cause: unknown): Promise<UpstreamConnection> => {
    if (cause instanceof GatewayError && UNREACHABLE_CODES.has(cause.code)) return openLocally();
    throw cause;
  };
}

const UNREACHABLE_CODES: ReadonlySet<number> = new Set([
  GatewayCode.ownerUnreachable,
  GatewayCode.coordinationUnavailable,
]);
