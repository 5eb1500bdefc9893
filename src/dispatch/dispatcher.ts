import { randomUUID } from 'node:crypto';
import { Inject, Injectable, Logger } from '@nestjs/common';
import { GatewayError } from '#lib/extension-kit';
import { failure, isJsonObject, RpcCode, type Outcome } from '#lib/mcp-protocol';
import type { StreamSink } from '../session-pool/index.js';
import { CallDelivery } from './call-delivery.js';
import { methodNotFound } from './dispatch.errors.js';
import { MethodHandler, type Inbound } from './inbound.js';

export const METHOD_HANDLERS = Symbol('METHOD_HANDLERS');

/** Finds out what a request means and has it answered. Never throws: whatever happens is an outcome. */
@Injectable()
export class Dispatcher {
  private readonly logger = new Logger(Dispatcher.name);
  private readonly handlers: ReadonlyMap<string, MethodHandler>;

  constructor(
    @Inject(METHOD_HANDLERS) handlers: readonly MethodHandler[],
    private readonly delivery: CallDelivery,
  ) {
    this.handlers = new Map(handlers.flatMap((handler) => handler.methods.map((method) => [method, handler])));
  }

  async dispatch(inbound: Inbound, sink: StreamSink, signal: AbortSignal): Promise<Outcome> {
    try {
      const handler = this.handlers.get(inbound.request.method);
      const answering = handler ? handler.handle(inbound, sink, signal) : this.passOn(inbound, sink, signal);
      const outcome = await answering;
      return outcome.kind === 'error' ? this.named(inbound, outcome) : outcome;
    } catch (cause) {
      return this.named(inbound, this.failed(inbound, cause));
    }
  }

  /** A transparent endpoint passes what it does not know; elsewhere nobody could say which server is meant. */
  private passOn(inbound: Inbound, sink: StreamSink, signal: AbortSignal): Promise<Outcome> {
    const [server] = inbound.endpoint.servers;
    const { request } = inbound;
    if (!server || !inbound.endpoint.transparent) return Promise.resolve(methodNotFound(request.method));
    return this.delivery.deliver(inbound, { server, request }, sink, signal);
  }

  private failed(inbound: Inbound, cause: unknown): Outcome {
    if (cause instanceof GatewayError) return cause.toOutcome();
    this.logger.error(`${inbound.request.method} failed`, cause instanceof Error ? cause.stack : String(cause));
    return failure({ code: RpcCode.internalError, message: 'Internal error' }, 500);
  }

  /** Errors of our own carry an id that is found in the log; a server's errors pass unchanged. */
  private named(inbound: Inbound, outcome: Outcome): Outcome {
    if (outcome.kind !== 'error') return outcome;
    const { data } = outcome.error;
    if (!isJsonObject(data) || data['outcome'] === undefined || data['retriable'] === undefined) return outcome;
    const requestId = randomUUID();
    const { code, message } = outcome.error;
    this.logger.warn(`${inbound.request.method} at ${inbound.endpoint.id} (${requestId}): ${code} ${message}`);
    return { ...outcome, error: { ...outcome.error, data: { ...data, requestId } } };
  }
}
