/** One request to another worker. Payloads are JSON values of the caller's own shape. */
export interface BusOrder {
  /** Incarnation of the worker that is asked. */
  readonly to: string;
  /** Names the handler there (`@MessagePattern`). */
  readonly pattern: string;
  readonly payload: unknown;
  /** Requests of one queue are accepted in the order they were sent. A session's id, as a rule. */
  readonly queue?: string;
  /** How long the whole may take, ms. Absent: as long as both workers live. */
  readonly budgetMs?: number;
}

/** What became of a request, as far as that can be known. */
export type BusEnd =
  /** The handler returned. */
  | { readonly kind: 'value'; readonly value: unknown }
  /** The handler threw, and no interceptor made a value of it. Nothing is known but that. */
  | { readonly kind: 'failed' }
  /** The worker took it, saw that it cannot serve it, and ran nothing. */
  | { readonly kind: 'refused'; readonly reason: string; readonly detail?: unknown }
  /** It is certain that it did not run: nobody was there, the claim was won by us, or nothing was ever sent. */
  | { readonly kind: 'not-executed'; readonly cause: 'unreachable' | 'unavailable' | 'cancelled' }
  /** It may have run: the relay failed, the worker died, the time is over, a frame is missing. */
  | { readonly kind: 'unknown'; readonly cause: 'relay' | 'owner-gone' | 'deadline' | 'gap' };

/** A request under way. */
export interface BusExchange {
  /** Request id, which the logs of both workers contain. Absent when nothing was sent. */
  readonly request?: string;
  /** Resolves exactly once and never rejects. */
  readonly end: Promise<BusEnd>;
  /** Resolves with true once the other worker has claimed the request, with false when it ends without that. */
  readonly accepted: Promise<boolean>;
  /** Asks the other worker to stop (its context's signal). The end comes all the same. */
  cancel(): void;
}

/** Sends requests to workers. */
export abstract class WorkerBus {
  /** `onEvent` gets what the handler sends before its end, in order; a returned promise is back-pressure. */
  abstract request(order: BusOrder, onEvent?: (event: unknown) => void | Promise<void>): BusExchange;
}

/** What a handler knows of the request that it serves. */
export interface BusContext {
  /** Incarnation of the worker that asks. */
  readonly requester: string;
  /** Aborted when the requester cancels, when it is gone, or when the budget is over. */
  readonly signal: AbortSignal;
  /**
   * Sends something that precedes the end. A returned promise is back-pressure. Never throws; what cannot be sent any
   * more is dropped, and the requester learns of the gap.
   */
  emit(event: unknown): void | Promise<void>;
}

/** Serves what other workers ask. */
export interface BusService {
  /**
   * Looks at a request before it is claimed: a refusal means that nothing has run and nothing ever will. Synchronous;
   * must not throw.
   */
  admit?(pattern: string, payload: unknown): { readonly reason: string; readonly detail?: unknown } | undefined;
  /** Runs a claimed request. */
  handle(pattern: string, payload: unknown, context: BusContext): Promise<unknown>;
}
