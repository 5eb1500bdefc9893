import type { Outcome, RequestId } from '#lib/mcp-protocol';
import type { StreamCall } from './event-archive.js';
import type { SessionStream } from './session-stream.js';

/** A request of the session's client. */
export interface OpenCall {
  readonly requestId: RequestId;
  readonly method: string;
  readonly stream: SessionStream | undefined;
  readonly signal: AbortSignal;
  /**
   * Ends the call. The answer gets an event id if its stream can be replayed; then the client receives `recorded`, by
   * default the outcome. Returns a promise only if the answer must first be stored for other workers.
   */
  finish(outcome: Outcome, recorded?: Outcome): Outcome | Promise<Outcome>;
}

/** What the session remembers of a call until it ends. */
export interface InFlightCall extends StreamCall {
  readonly controller: AbortController;
  /** True for one of several upstream calls that answer the same request. */
  readonly isPart: boolean;
  /** True once the client has cancelled the request. */
  isCancelled: boolean;
  stream?: SessionStream | undefined;
}
