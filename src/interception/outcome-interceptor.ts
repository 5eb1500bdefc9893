import { CallInterceptor, type InterceptedCall } from '#lib/extension-kit';
import type { Outcome } from '#lib/mcp-protocol';

/** An interceptor of the gateway itself that also sees what a server answers in place of a result. */
export abstract class OutcomeInterceptor extends CallInterceptor {
  /**
   * Returns what takes the place of an error of the server, or of a result that asks a client to repeat its call: an outcome of the
   * same kind, which says the same about whether the call ran. What it throws takes the place of the outcome.
   */
  abstract onOutcome(call: InterceptedCall, outcome: Outcome): Promise<Outcome>;
}
