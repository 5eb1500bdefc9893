import { Inject, Injectable } from '@nestjs/common';
import type { Outcome } from '#lib/mcp-protocol';
import type { StreamSink } from '../session-pool/index.js';
import { clipped } from './dispatch.errors.js';
import { Failures } from './failures.js';
import { UnknownMethodHandler } from './handlers/unknown-method.handler.js';
import type { Inbound, MethodHandler } from './inbound.js';

export const METHOD_HANDLERS = Symbol('METHOD_HANDLERS');

/** Passes a request to the handler of its method. Never throws: every failure becomes an outcome. */
@Injectable()
export class Dispatcher {
  private readonly handlers: ReadonlyMap<string, MethodHandler>;

  constructor(
    @Inject(METHOD_HANDLERS) handlers: readonly MethodHandler[],
    private readonly others: UnknownMethodHandler,
    private readonly failures: Failures,
  ) {
    this.handlers = new Map(handlers.flatMap((handler) => handler.methods.map((method) => [method, handler])));
  }

  async dispatch(inbound: Inbound, sink: StreamSink, signal: AbortSignal): Promise<Outcome> {
    try {
      const handler = this.handlers.get(inbound.request.method);
      const outcome = await (handler ?? this.others).handle(inbound, sink, signal);
      return outcome.kind === 'error' ? this.failures.named(sceneOf(inbound), outcome) : scoped(inbound, outcome);
    } catch (cause) {
      return this.failures.outcomeOf(sceneOf(inbound), cause);
    }
  }
}

/**
 * A result stays `public` only at an unrestricted endpoint, where every caller may see it (specification 2026:
 * server/utilities/caching, Cache Scope Field).
 */
function scoped({ endpoint }: Inbound, outcome: Extract<Outcome, { kind: 'result' }>): Outcome {
  const { cacheScope } = outcome.result;
  if (cacheScope === undefined || cacheScope === 'private' || endpoint.isOpenToAll) return outcome;
  return { ...outcome, result: { ...outcome.result, cacheScope: 'private' } };
}

const sceneOf = ({ request, endpoint }: Inbound) => ({ method: clipped(request.method), endpoint: endpoint.id });
