/** One request to another worker. Payloads are JSON values of the caller's own shape. */
export interface BusRequest {
  /** Incarnation of the worker that serves the request. */
  readonly to: string;
  /** Name of the handler at that worker (`@MessagePattern`). */
  readonly pattern: string;
  readonly payload: unknown;
  /** Requests of one queue are accepted in the order in which they were sent. Usually the id of a session. */
  readonly queue?: string;
  /** Maximum duration of the whole request, in ms. Absent: unlimited while both workers are alive. */
  readonly budgetMs?: number;
}

/** The end of a request, as precisely as the requester can know it. */
export type BusEnd =
  /** The handler returned. */
  | { readonly kind: 'value'; readonly value: unknown }
  /** The handler threw, and no interceptor turned the error into a value. Nothing else is known. */
  | { readonly kind: 'failed' }
  /** The worker received the request, cannot serve it, and ran nothing. */
  | { readonly kind: 'refused'; readonly reason: string; readonly detail?: unknown }
  /** The request certainly did not run: no worker received it, it was revoked in time, or nothing was sent. */
  | { readonly kind: 'not-executed'; readonly cause: 'unreachable' | 'unavailable' | 'cancelled' }
  /** The request may have run: the relay failed, the worker died, the budget ran out, or a frame is missing. */
  | { readonly kind: 'unknown'; readonly cause: 'relay' | 'owner-dead' | 'deadline' | 'gap' };

/** A request in flight. */
export interface BusExchange {
  /** Request id, which the logs of both workers contain. Absent when nothing was sent. */
  readonly request?: string;
  /** Resolves exactly once and never rejects. */
  readonly end: Promise<BusEnd>;
  /** Resolves with true once the other worker has claimed the request, with false if the request ends unclaimed. */
  readonly accepted: Promise<boolean>;
  /** Requests the other worker to stop (through the signal of its context). `end` still resolves. */
  cancel(): void;
}

/** Sends requests to workers. */
export abstract class WorkerBus {
  /** `onEvent` receives what the handler emits before its end, in order; a returned promise is back-pressure. */
  abstract request(order: BusRequest, onEvent?: (event: unknown) => void | Promise<void>): BusExchange;
}

/** What a handler can know and do about the request that it serves. */
export interface BusContext {
  /** Incarnation of the worker that sent the request. */
  readonly requester: string;
  /** Id of the request. The requester knows it, too. */
  readonly request: string;
  /** Aborted when the requester cancels, when the requester is dead, or when the budget has run out. */
  readonly signal: AbortSignal;
  /**
   * Sends an event before the end. A returned promise is back-pressure. Never throws: an event that can no longer be
   * sent is dropped, and the requester detects the gap.
   */
  emit(event: unknown): void | Promise<void>;
}

/** Serves the requests of other workers. */
export interface BusService {
  /**
   * Checks a request before it is claimed: a refusal means that nothing has run and nothing ever will. Synchronous;
   * must not throw.
   */
  admit?(pattern: string, payload: unknown): { readonly reason: string; readonly detail?: unknown } | undefined;
  /** Runs a claimed request. */
  handle(pattern: string, payload: unknown, context: BusContext): Promise<unknown>;
}
