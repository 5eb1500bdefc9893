import { Controller, UseInterceptors } from '@nestjs/common';
import { Ctx, MessagePattern, Payload } from '@nestjs/microservices';
import { result, type Outcome } from '#lib/mcp-protocol';
import { Clock } from '#lib/time';
import { WorkerBusContext } from '#lib/worker-bus';
import { ServerRegistry, type ServerDefinition } from '../registry/index.js';
import type { StreamSink } from '../session-pool/index.js';
import { CallProgress, type ProgressReport } from '../telemetry/index.js';
import { ServerNotConfigured, ForwardedRpcInterceptor } from '../workers/index.js';
import { HandoffReceiver } from './handoff-receiver.js';
import type { LocalSession } from './local-session.js';
import {
  SessionPattern,
  type AdoptOrder,
  type AnswerOrder,
  type CallOrder,
  type CancelOrder,
  type LogLevelOrder,
  type NotifyOrder,
  type SessionOrder,
  type StreamOrder,
  type StreamSignal,
  type ForwardedResource,
  type SubscribeOrder,
} from './session-orders.js';
import { SessionRouter } from './session-router.js';

const DONE = result({});

/** The outcome of a call with the times that the other worker adds to the record of the request. */
type ReportedOutcome = Outcome & { readonly progress: ProgressReport };

/**
 * Serves other workers' orders for the sessions that this worker owns. Every order has the same effect as a request of
 * the client at this worker; every reply is an Outcome.
 */
@Controller()
@UseInterceptors(ForwardedRpcInterceptor)
export class SessionInboxController {
  constructor(
    private readonly router: SessionRouter,
    private readonly registry: ServerRegistry,
    private readonly receiver: HandoffReceiver,
    private readonly clock: Clock,
  ) {}

  @MessagePattern(SessionPattern.call)
  async call(@Payload() order: CallOrder, @Ctx() context: WorkerBusContext): Promise<Outcome> {
    const session = await this.findSession(order);
    const { server, ...call } = order.call;
    const { caller } = order;
    const complete = {
      ...call,
      server: this.requireServer(server),
      caller,
      client: session.client,
      clientRepeatsCall: false,
    };
    const progress = new CallProgress(this.clock, context.request);
    const outcome = await session.call({ ...complete, progress }, createSink(context));
    const reported: ReportedOutcome = { ...outcome, progress: progress.toReport() };
    return reported;
  }

  @MessagePattern(SessionPattern.cancel)
  async cancel(@Payload() order: CancelOrder): Promise<Outcome> {
    await (await this.findSession(order)).cancel(order.requestId, order.reason);
    return DONE;
  }

  @MessagePattern(SessionPattern.answer)
  async answer(@Payload() order: AnswerOrder): Promise<Outcome> {
    await (await this.findSession(order)).answer(order.id, order.answer);
    return DONE;
  }

  @MessagePattern(SessionPattern.notify)
  async notify(@Payload() order: NotifyOrder): Promise<Outcome> {
    const server = order.server === undefined ? undefined : this.requireServer(order.server);
    await (await this.findSession(order)).notify(order.notification, server);
    return DONE;
  }

  @MessagePattern(SessionPattern.touch)
  async touch(@Payload() order: SessionOrder): Promise<Outcome> {
    await (await this.findSession(order)).touch();
    return DONE;
  }

  @MessagePattern(SessionPattern.logLevel)
  async setLogLevel(@Payload() order: LogLevelOrder): Promise<Outcome> {
    await (await this.findSession(order)).setLogLevel(order.level);
    return DONE;
  }

  @MessagePattern(SessionPattern.watch)
  async subscribe(@Payload() order: SubscribeOrder): Promise<Outcome> {
    await (await this.findSession(order)).subscribe(this.toResource(order.resource));
    return DONE;
  }

  @MessagePattern(SessionPattern.unwatch)
  async unsubscribe(@Payload() order: SubscribeOrder): Promise<Outcome> {
    await (await this.findSession(order)).unsubscribe(this.toResource(order.resource));
    return DONE;
  }

  /** Lasts until the stream ends or the client's connection is closed. */
  @MessagePattern(SessionPattern.stream)
  async stream(@Payload() order: StreamOrder, @Ctx() context: WorkerBusContext): Promise<Outcome> {
    const { promise: ended, resolve: end } = Promise.withResolvers<void>();
    const sink: StreamSink = { emit: (event) => context.emit(event), end };
    const stream = await (await this.findSession(order)).openStream(sink, order.lastEventId);
    void context.emit({ kind: 'found', standing: stream.isServerStream } satisfies StreamSignal);
    await Promise.race([ended, whenAborted(context.signal)]);
    stream.detach();
    return DONE;
  }

  @MessagePattern(SessionPattern.end)
  async end(@Payload() order: SessionOrder): Promise<Outcome> {
    await (await this.findSession(order)).end();
    return DONE;
  }

  /** Accepts a session that a draining worker hands off. */
  @MessagePattern(SessionPattern.adopt)
  async adopt(@Payload() order: AdoptOrder, @Ctx() context: WorkerBusContext): Promise<Outcome> {
    await this.receiver.accept(order.payload, context.requester);
    return DONE;
  }

  /** Synchronous unless a handoff is in progress, so that orders run in the order of their arrival. */
  private findSession({ session, caller, endpoint }: SessionOrder): LocalSession | Promise<LocalSession> {
    return this.router.findLocal(session, caller, endpoint);
  }

  private requireServer(slug: string): ServerDefinition {
    const server = this.registry.find(slug);
    if (!server) throw new ServerNotConfigured(slug);
    return server;
  }

  private toResource({ server, own, uri }: ForwardedResource) {
    return { server: this.requireServer(server), own, uri };
  }
}

/** The client is connected to the other worker, so events are forwarded there. */
function createSink(context: WorkerBusContext): StreamSink {
  return {
    emit: (event) => context.emit(event),
    end: () => void context.emit({ kind: 'ended' } satisfies StreamSignal),
  };
}

function whenAborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
