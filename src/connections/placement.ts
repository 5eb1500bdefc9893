import { GatewayError } from '#lib/extension-kit';
import { GatewayCode, type Outcome } from '#lib/mcp-protocol';
import type { ServerDefinition } from '../registry/index.js';
import type { ConnectionEvents, UpstreamConnection } from '../upstream/index.js';
import type { Sharing, ConnectionScope } from './sharing.js';

/**
 * The outcome of a request over a connection of another worker that is not there any more: it certainly did not run, so
 * it is asked once more over a new one. This very object says so; an outcome that only looks like it comes from a server.
 */
export const NOT_HELD = {
  kind: 'error',
  httpStatus: 503,
  error: {
    code: GatewayCode.ownerUnreachable,
    message: 'The connection to the upstream at another worker is gone. The call was not executed; call again.',
    data: { outcome: 'not_executed', retriable: true },
  },
} as const satisfies Outcome;

/**
 * Says which of several workers has a connection that no session owns, and reaches it there. All workers that know the
 * same living workers say the same.
 */
export abstract class Placement {
  /** Incarnation of the other worker that is to have the connection. Undefined: this one. */
  abstract ownerOf(poolKey: string): string | undefined;

  /**
   * Takes part in the other worker's connection; it is opened there if it is not. Closing what is returned ends the part
   * and not the connection. Rejects with a GatewayError, whose outcome is `not_executed`.
   */
  abstract open(
    worker: string,
    server: ServerDefinition,
    face: ConnectionScope,
    sharing: Sharing,
    events: ConnectionEvents,
  ): Promise<UpstreamConnection>;

  /** True once a worker lives no more. */
  abstract isDead(worker: string): boolean;

  /** Calls back when workers came or went. Returns how to take that back. */
  abstract onChange(listener: () => void): () => void;
}

/** One worker alone has everything. */
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

/** Nothing was opened where nobody could be reached; and nobody is to wait until the others know that. */
export function openLocallyIfUnreachable(openHere: () => Promise<UpstreamConnection>) {
  return (cause: unknown): Promise<UpstreamConnection> => {
    if (cause instanceof GatewayError && UNREACHABLE_CODES.has(cause.code)) return openHere();
    throw cause;
  };
}

const UNREACHABLE_CODES: ReadonlySet<number> = new Set([
  GatewayCode.ownerUnreachable,
  GatewayCode.coordinationUnavailable,
]);
