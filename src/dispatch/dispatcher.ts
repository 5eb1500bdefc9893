import { Inject, Injectable } from '@nestjs/common';
import type { Outcome } from '#lib/mcp-protocol';
import type { StreamSink } from '../session-pool/index.js';
import { truncate } from './dispatch.errors.js';
import { FailureReporter } from './failure-reporter.js';
import { UnknownMethodHandler } from './handlers/unknown-method.handler.js';
import { ContributedMethods } from './contributed-methods.js';
import { METHOD_HANDLERS, type Inbound, type MethodHandler } from './inbound.js';
import { findUnsendable } from './sendable-requests.js';

/** Passes a request to the handler of its method. Never throws: every failure becomes an outcome. */
@Injectable()
export class Dispatcher {
  private readonly handlers: ReadonlyMap<string, MethodHandler>;

  constructor(
    @Inject(METHOD_HANDLERS) handlers: readonly MethodHandler[],
    private readonly contributed: ContributedMethods,
    private readonly unknownMethod: UnknownMethodHandler,
    private readonly failureReporter: FailureReporter,
  ) {
    this.handlers = new Map(handlers.flatMap((handler) => handler.methods.map((method) => [method, handler])));
  }

  async dispatch(inbound: Inbound, sink: StreamSink, signal: AbortSignal): Promise<Outcome> {
    try {
      const unsendable = findUnsendable(inbound.request);
      if (unsendable) return unsendable;
      const { method } = inbound.request;
      const handler = this.handlers.get(method) ?? this.contributed.find(method) ?? this.unknownMethod;
      const outcome = await handler.handle(inbound, sink, signal);
      return outcome.kind === 'error'
        ? this.failureReporter.withRequestId(toFailureContext(inbound), outcome)
        : restrictCacheScope(inbound, outcome);
    } catch (cause) {
      return this.failureReporter.toOutcome(toFailureContext(inbound), cause);
    }
  }
}

/**
 * A result stays `public` only at an unrestricted endpoint, where every caller may see it (specification 2026:
 * server/utilities/caching, Cache Scope Field).
 */
function restrictCacheScope({ endpoint }: Inbound, outcome: Extract<Outcome, { kind: 'result' }>): Outcome {
  const { cacheScope } = outcome.result;
  if (cacheScope === undefined || cacheScope === 'private' || endpoint.isUnrestricted) return outcome;
  return { ...outcome, result: { ...outcome.result, cacheScope: 'private' } };
}

const toFailureContext = ({ request, record }: Inbound) => ({ method: truncate(request.method), record });
