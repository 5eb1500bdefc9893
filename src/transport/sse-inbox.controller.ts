import { Controller, UseInterceptors } from '@nestjs/common';
import { Ctx, MessagePattern, Payload } from '@nestjs/microservices';
import { result, type JsonValue, type Outcome } from '#lib/mcp-protocol';
import { WorkerBusContext } from '#lib/worker-bus';
import { SessionRouter, type SessionOrder } from '../affinity/index.js';
import { ForwardedRpcInterceptor } from '../workers/index.js';
import type { RequestSource } from '../client-address/index.js';
import { EndpointDirectory } from '../catalog/index.js';
import { validateMessage } from './exchanges/legacy-messages.js';
import { SSE_MESSAGE, SseExchange } from './exchanges/sse.exchange.js';
import { RequestRecords } from './request-records.js';
import { EndpointNotFound } from './transport.errors.js';

/** A message that was posted to a worker that does not own the stream. */
interface SseOrder extends SessionOrder {
  readonly message: JsonValue;
  /** Absent: a worker of the previous version sent the order. */
  readonly source?: Partial<RequestSource>;
  /** The header of that name. */
  readonly traceparent?: string;
}

/** Receives forwarded HTTP+SSE messages for streams of this worker. The answers are sent on the stream. */
@Controller()
@UseInterceptors(ForwardedRpcInterceptor)
export class SseInboxController {
  constructor(
    private readonly exchange: SseExchange,
    private readonly router: SessionRouter,
    private readonly endpoints: EndpointDirectory,
    private readonly records: RequestRecords,
  ) {}

  @MessagePattern(SSE_MESSAGE)
  async message(@Payload() order: SseOrder, @Ctx() context: WorkerBusContext): Promise<Outcome> {
    const { caller, message, traceparent } = order;
    const arrival = { receivedAt: this.records.now(), forwardedFrom: context.requester, traceparent };
    const { method = '', path = '', address } = order.source ?? {};
    const session = await this.router.findLocal(order.session, caller, order.endpoint);
    const endpoint = this.endpoints.findFor(caller, order.endpoint);
    if (!endpoint) throw new EndpointNotFound(order.endpoint);
    await this.exchange.accept(
      { caller, endpoint, arrival, source: { method, path, address } },
      session,
      validateMessage(message),
    );
    return result({});
  }
}
