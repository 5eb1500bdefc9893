import { Controller, UseInterceptors, type BeforeApplicationShutdown } from '@nestjs/common';
import { Ctx, MessagePattern, Payload } from '@nestjs/microservices';
import { outcomeOfFault, result, type Outcome } from '#lib/mcp-protocol';
import type { BusContext } from '#lib/worker-bus';
import { ServerRegistry, type ServerDefinition } from '../registry/index.js';
import { OwedAnswers, UpstreamPool } from '../session-pool/index.js';
import { ServerNotConfigured } from './affinity.errors.js';
import { ForwardedRpcInterceptor } from './forwarded-rpc.interceptor.js';
import { lastCalls } from './last-calls.js';
import {
  PoolPattern,
  type AnswerOrder,
  type ListenOrder,
  type NotifyOrder,
  type OpenOrder,
  type PartOrder,
  type RequestOrder,
} from './pool-orders.js';
import { PoolPart } from './pool-part.js';
import { ConnectionNotHeld } from './pool.errors.js';

const DONE = result({});

/**
 * Serves other workers that use the shared connections of this one. Every reply is an Outcome; exceptions are converted
 * to one.
 */
@Controller()
@UseInterceptors(ForwardedRpcInterceptor)
export class PoolInboxController implements BeforeApplicationShutdown {
  private readonly parts = new Map<string, PoolPart>();
  /** In-flight calls by call id: a call can outlive its lease. */
  private readonly calls = new Map<string, PoolPart>();
  private readonly owed = new OwedAnswers();

  constructor(
    private readonly upstreams: UpstreamPool,
    private readonly registry: ServerRegistry,
  ) {}

  @MessagePattern(PoolPattern.open)
  async open(@Payload() order: OpenOrder, @Ctx() context: BusContext): Promise<Outcome> {
    const lease = this.find(order, context) ?? (await this.take(order, context));
    return lease ? lease.keep(context) : outcomeOfFault('refused', 'the requesting worker released the connection');
  }

  @MessagePattern(PoolPattern.request)
  async request(@Payload() order: RequestOrder, @Ctx() context: BusContext): Promise<Outcome> {
    const lease = this.partOf(order, context);
    const finish = this.owed.add();
    // A cancelled call needs no answer, so it no longer delays the shutdown.
    context.signal.addEventListener('abort', finish, { once: true });
    this.calls.set(order.call, lease);
    return lease.request(order, context).finally(() => {
      this.calls.delete(order.call);
      finish();
    });
  }

  @MessagePattern(PoolPattern.answer)
  async answer(@Payload() order: AnswerOrder, @Ctx() context: BusContext): Promise<Outcome> {
    const lease = this.calls.get(order.call);
    if (lease?.requester !== context.requester) throw new ConnectionNotHeld();
    lease.answer(order);
    return DONE;
  }

  @MessagePattern(PoolPattern.notify)
  async notify(@Payload() order: NotifyOrder, @Ctx() context: BusContext): Promise<Outcome> {
    await this.partOf(order, context).notify(order.notification);
    return DONE;
  }

  @MessagePattern(PoolPattern.listen)
  async listen(@Payload() order: ListenOrder, @Ctx() context: BusContext): Promise<Outcome> {
    await this.partOf(order, context).listen(order, context);
    return DONE;
  }

  /** Delays the shutdown until the calls of other workers over this worker's connections are answered. */
  beforeApplicationShutdown(): Promise<void> {
    return lastCalls(this.owed.whenNone());
  }

  private async take(order: OpenOrder, { requester, signal }: BusContext): Promise<PoolPart | undefined> {
    const { caller, client } = order;
    const server = this.serverOf(order.server);
    const held = await this.upstreams.hold(server, { caller, client, session: undefined }, { here: true });
    if (signal.aborted) {
      held.release();
      return undefined;
    }
    const lease = new PoolPart(requester, held, () => this.parts.delete(order.part));
    this.parts.set(order.part, lease);
    return lease;
  }

  /** Returns a lease only to the worker that acquired it. */
  private find({ part }: PartOrder, { requester }: BusContext): PoolPart | undefined {
    const lease = this.parts.get(part);
    return lease?.requester === requester ? lease : undefined;
  }

  private partOf(order: PartOrder, context: BusContext): PoolPart {
    const lease = this.find(order, context);
    if (!lease) throw new ConnectionNotHeld();
    return lease;
  }

  private serverOf(slug: string): ServerDefinition {
    const server = this.registry.find(slug);
    if (!server) throw new ServerNotConfigured(slug);
    return server;
  }
}
