import { Controller, UseInterceptors } from '@nestjs/common';
import { Ctx, MessagePattern, Payload } from '@nestjs/microservices';
import { toFaultOutcome, result, type Outcome } from '#lib/mcp-protocol';
import type { BusContext } from '#lib/worker-bus';
import { ServerRegistry, type ServerDefinition } from '../registry/index.js';
import { InFlightCounter } from '../session-pool/index.js';
import { COMMON_ACCOUNT, CredentialsDiffer } from '../upstream/index.js';
import { UpstreamPool } from './upstream-pool.js';
import { ServerNotConfigured, ForwardedRpcInterceptor, InFlightWaits, waitForInFlight } from '../workers/index.js';
import {
  PoolPattern,
  type AnswerOrder,
  type CancelOrder,
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
 * Serves other workers that use the shared connections of this one. Every reply is an Outcome; exceptions are converted
 * to one.
 */
@Controller()
@UseInterceptors(ForwardedRpcInterceptor)
export class PoolInboxController {
  private readonly leases = new Map<string, ConnectionLease>();
  /** In-flight calls by call id: a call can outlive its lease. */
  private readonly calls = new Map<string, ConnectionLease>();
  private readonly inFlight = new InFlightCounter();

  constructor(
    private readonly upstreams: UpstreamPool,
    private readonly registry: ServerRegistry,
    waits: InFlightWaits,
  ) {
    // Delays the shutdown until the calls of other workers over this worker's connections are answered.
    waits.addWait((clock) => waitForInFlight(this.inFlight.whenIdle(), clock));
  }

  @MessagePattern(PoolPattern.open)
  async open(@Payload() order: OpenOrder, @Ctx() context: BusContext): Promise<Outcome> {
    const lease = this.findLease(order, context) ?? (await this.acquire(order, context));
    return lease ? lease.renew(context) : toFaultOutcome('refused', 'the requesting worker released the connection');
  }

  @MessagePattern(PoolPattern.request)
  async request(@Payload() order: RequestOrder, @Ctx() context: BusContext): Promise<Outcome> {
    const lease = this.requireLease(order, context);
    const finish = this.inFlight.add();
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
    const lease = order.call === undefined ? this.findLease(order, context) : this.calls.get(order.call);
    if (lease?.requester !== context.requester) throw new ConnectionNotHeld();
    lease.answer(order);
    return DONE;
  }

  @MessagePattern(PoolPattern.cancel)
  async cancel(@Payload() order: CancelOrder, @Ctx() context: BusContext): Promise<Outcome> {
    const lease = this.calls.get(order.call);
    if (lease?.requester !== context.requester) throw new ConnectionNotHeld();
    lease.cancel(order);
    return DONE;
  }

  @MessagePattern(PoolPattern.notify)
  async notify(@Payload() order: NotifyOrder, @Ctx() context: BusContext): Promise<Outcome> {
    return this.requireLease(order, context).notify(order);
  }

  @MessagePattern(PoolPattern.listen)
  async listen(@Payload() order: ListenOrder, @Ctx() context: BusContext): Promise<Outcome> {
    await this.requireLease(order, context).subscribe(order, context);
    return DONE;
  }

  private async acquire(order: OpenOrder, { requester, signal }: BusContext): Promise<ConnectionLease | undefined> {
    const { caller, client, clientEra } = order;
    const scope = { caller, client, session: undefined, ...(clientEra && { clientEra }) };
    const server = this.requireServer(order.server);
    const { account = COMMON_ACCOUNT } = order;
    if (this.upstreams.accountOf(server, caller) !== account) throw new CredentialsDiffer(server.slug);
    const held = await this.upstreams.hold(server, scope, { forceLocal: true });
    if (signal.aborted) {
      held.release();
      return undefined;
    }
    const lease = new ConnectionLease(requester, held, () => this.leases.delete(order.part));
    this.leases.set(order.part, lease);
    return lease;
  }

  /** Returns a lease only to the worker that acquired it. */
  private findLease({ part }: LeaseOrder, { requester }: BusContext): ConnectionLease | undefined {
    const lease = this.leases.get(part);
    return lease?.requester === requester ? lease : undefined;
  }

  private requireLease(order: LeaseOrder, context: BusContext): ConnectionLease {
    const lease = this.findLease(order, context);
    if (!lease) throw new ConnectionNotHeld();
    return lease;
  }

  private requireServer(slug: string): ServerDefinition {
    const server = this.registry.find(slug);
    if (!server) throw new ServerNotConfigured(slug);
    return server;
  }
}
