import { Controller, UseInterceptors } from '@nestjs/common';
import { Ctx, MessagePattern, Payload } from '@nestjs/microservices';
import { outcomeOfFault, result, type Outcome } from '#lib/mcp-protocol';
import type { BusContext } from '#lib/worker-bus';
import { ServerRegistry, type ServerDefinition } from '../registry/index.js';
import { InFlightCounter } from '../session-pool/index.js';
import { UpstreamPool } from './upstream-pool.js';
import { ServerNotConfigured, ForwardedRpcInterceptor, InFlightWaits, waitForInFlight } from '../workers/index.js';
import {
  PoolPattern,
  type AnswerOrder,
  type ListenOrder,
  type NotifyOrder,
  type OpenOrder,
  type LeaseOrder,
  type RequestOrder,
} from './pool-orders.js';
import { ConnectionLease } from './connection-lease.js';
import { ConnectionNotHeld } from './connections.errors.js';

const DONE = result({});

/**
 * What other workers ask of the connections that this one has for all of them. Each answer is an Outcome, or what is
 * thrown and made one.
 */
@Controller()
@UseInterceptors(ForwardedRpcInterceptor)
export class PoolInboxController {
  private readonly leases = new Map<string, ConnectionLease>();
  /** By their own names, for a call that is under way outlives the use of its part. */
  private readonly calls = new Map<string, ConnectionLease>();
  private readonly inFlight = new InFlightCounter();

  constructor(
    private readonly upstreams: UpstreamPool,
    private readonly registry: ServerRegistry,
    waits: InFlightWaits,
  ) {
    // This worker leaves: whoever has called over a connection of its still gets the answer.
    waits.addWait(() => waitForInFlight(this.inFlight.whenIdle()));
  }

  @MessagePattern(PoolPattern.open)
  async open(@Payload() order: OpenOrder, @Ctx() context: BusContext): Promise<Outcome> {
    const part = this.findLease(order, context) ?? (await this.acquire(order, context));
    return part ? part.renew(context) : outcomeOfFault('refused', 'the other worker has no use for it any more');
  }

  @MessagePattern(PoolPattern.request)
  async request(@Payload() order: RequestOrder, @Ctx() context: BusContext): Promise<Outcome> {
    const part = this.requireLease(order, context);
    const given = this.inFlight.add();
    // Nobody waits any more for the answer to a call that was given up.
    context.signal.addEventListener('abort', given, { once: true });
    this.calls.set(order.call, part);
    return part.request(order, context).finally(() => {
      this.calls.delete(order.call);
      given();
    });
  }

  @MessagePattern(PoolPattern.answer)
  async answer(@Payload() order: AnswerOrder, @Ctx() context: BusContext): Promise<Outcome> {
    const part = this.calls.get(order.call);
    if (part?.requester !== context.requester) throw new ConnectionNotHeld();
    part.answer(order);
    return DONE;
  }

  @MessagePattern(PoolPattern.notify)
  async notify(@Payload() order: NotifyOrder, @Ctx() context: BusContext): Promise<Outcome> {
    await this.requireLease(order, context).notify(order.notification);
    return DONE;
  }

  @MessagePattern(PoolPattern.listen)
  async listen(@Payload() order: ListenOrder, @Ctx() context: BusContext): Promise<Outcome> {
    await this.requireLease(order, context).listen(order, context);
    return DONE;
  }

  private async acquire(order: OpenOrder, { requester, signal }: BusContext): Promise<ConnectionLease | undefined> {
    const { caller, client } = order;
    const server = this.requireServer(order.server);
    const held = await this.upstreams.hold(server, { caller, client, session: undefined }, { forceLocal: true });
    if (signal.aborted) {
      held.release();
      return undefined;
    }
    const part = new ConnectionLease(requester, held, () => this.leases.delete(order.part));
    this.leases.set(order.part, part);
    return part;
  }

  /** Nobody uses the part of another worker. */
  private findLease({ part }: LeaseOrder, { requester }: BusContext): ConnectionLease | undefined {
    const known = this.leases.get(part);
    return known?.requester === requester ? known : undefined;
  }

  private requireLease(order: LeaseOrder, context: BusContext): ConnectionLease {
    const part = this.findLease(order, context);
    if (!part) throw new ConnectionNotHeld();
    return part;
  }

  private requireServer(slug: string): ServerDefinition {
    const server = this.registry.find(slug);
    if (!server) throw new ServerNotConfigured(slug);
    return server;
  }
}
