/**
 * Workers of one installation within one process, wired as in the gateway. Only the upstream servers and Redis are
 * fakes.
 */
import { endpointsOf } from '../../test/support/endpoints.js';
import { randomBytes } from 'node:crypto';
import type { INestMicroservice } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import type { PlacementStrategy } from '#lib/extension-kit';
import type { RequestId } from '#lib/mcp-protocol';
import { MemoryRelay, RelayFailure, WorkerBusServer, type BusEnd } from '#lib/worker-bus';
import { ManualClock } from '#lib/testing/manual-clock';
import { Clock } from '#lib/time';
import {
  callerOf,
  FakeConnector,
  FakeRegistry,
  LEGACY_CLIENT,
  remoteServer,
} from '../../test/support/fake-upstream.js';
import { Readiness } from '../lifecycle/index.js';
import { ServerRegistry, type ServerDefinition } from '../registry/index.js';
import { SessionPool, SessionPoolConfig, type EventArchive } from '../session-pool/index.js';
import { NullEventArchive } from '../session-pool/testing.js';
import { ServerSubscriptions, DeferredListViews, SessionSubscriptions } from '../subscriptions/index.js';
import { createSessionAdmission } from './session-admission.js';
import { InFlightWaits, rankByRendezvous, WorkerId } from '../workers/index.js';
import { BusWorkerRegistry } from '../workers/testing.js';
import { UpstreamCalls, type UpstreamCall, ParkedCalls, CallsConfig } from '../calls/index.js';
import { RendezvousPlacement, ServerHealth, UpstreamPool, ConnectionsConfig } from '../connections/index.js';
import { OrphanedStreams } from './orphaned-streams.js';
import { RemoteSessions } from './remote-sessions.js';
import { SessionTransfer } from './session-transfer.js';
import { SessionHandoff } from './session-handoff.js';
import { HandoffDirectory } from './handoff-directory.js';
import { HandoffCipher } from './handoff-cipher.js';
import { HandoffReceiver } from './handoff-receiver.js';
import type { LocalSession } from './local-session.js';
import { PendingHandoffs } from './pending-handoffs.js';
import { PoolInboxController, WorkerPlacement } from '../connections/testing.js';
import { SessionIds } from './session-ids.js';
import { SessionInboxController } from './session-inbox.controller.js';
import { SessionPattern } from './session-orders.js';
import { SessionRouter, type SessionRequest } from './session-router.js';

/** The server that every worker has configured. */
export const SERVER = remoteServer('a');

/** The principal, endpoint and transport of the sessions in these specs. */
export const BINDING = { caller: callerOf('me'), endpoint: 'a', transport: 'http' } as const;

/** The handoff directory that all workers share. */
export class InMemoryHandoffDirectory extends HandoffDirectory {
  readonly newOwners = new Map<string, string>();
  isDown = false;

  override async findNewOwner(session: string): Promise<string | undefined> {
    if (this.isDown) throw new RelayFailure(true, 'down');
    return this.newOwners.get(session);
  }

  override async record(session: string, newOwner: string): Promise<void> {
    if (this.isDown) throw new RelayFailure(true, 'down');
    this.newOwners.set(session, newOwner);
  }

  override async remove(session: string): Promise<void> {
    if (this.isDown) throw new RelayFailure(true, 'down');
    this.newOwners.delete(session);
  }
}

export interface TestWorkerOptions {
  readonly settings?: Partial<SessionPoolConfig & ConnectionsConfig>;
  readonly servers?: readonly ServerDefinition[];
  readonly archive?: EventArchive;
  readonly placement?: PlacementStrategy;
}

/** One worker of the cluster. */
export class TestWorker {
  readonly workerId = new WorkerId();
  readonly readiness = new Readiness();
  readonly connector = new FakeConnector();
  readonly pendingHandoffs = new PendingHandoffs();
  readonly config = Object.assign(new SessionPoolConfig(), new ConnectionsConfig(), new CallsConfig());
  readonly clock: ManualClock;
  readonly registry: FakeRegistry;
  readonly sessions: SessionPool;
  readonly upstreams: UpstreamPool;
  readonly subscriptions: SessionSubscriptions;
  readonly server: WorkerBusServer;
  readonly workers: BusWorkerRegistry;
  readonly calls: UpstreamCalls;
  readonly router: SessionRouter;
  readonly orphanedStreams: OrphanedStreams;
  readonly receiver: HandoffReceiver;
  readonly handoff: SessionHandoff;
  private app: INestMicroservice | undefined;

  constructor(
    cluster: WorkerCluster,
    { settings = {}, servers = [SERVER], archive, placement: strategy = new RendezvousPlacement() }: TestWorkerOptions,
  ) {
    const { secret, relay, clock, directory } = cluster;
    const config = Object.assign(this.config, settings);
    this.clock = clock;
    this.registry = new FakeRegistry(servers);
    this.sessions = new SessionPool(config, clock, archive);
    const ports = { wire: relay, ledger: relay, directory: relay, timer: clock };
    this.server = new WorkerBusServer(
      { workerId: this.workerId.text, secret, ...ports },
      createSessionAdmission(this.sessions, this.pendingHandoffs),
    );
    const { node } = this.server;
    const { pendingHandoffs, registry, sessions, workerId } = this;
    this.workers = new BusWorkerRegistry(node.membership);
    this.workers.onFenced(() => sessions.endAll());
    const placement = new WorkerPlacement(this.name, this.workers, node, clock, strategy);
    this.upstreams = new UpstreamPool(this.connector, config, registry, clock, placement);
    const serverSubscriptions = new ServerSubscriptions(this.upstreams, registry, clock);
    this.subscriptions = new SessionSubscriptions(
      serverSubscriptions,
      endpointsOf(registry),
      new DeferredListViews(),
      clock,
    );
    this.calls = new UpstreamCalls(
      this.upstreams,
      config,
      new ParkedCalls(config, config, clock),
      new ServerHealth(registry, clock),
      clock,
    );
    const { calls, subscriptions, upstreams, workers } = this;
    const ids = new SessionIds(secret, workerId);
    const remote = new RemoteSessions(workerId, workers, directory, node, clock);
    this.router = new SessionRouter(
      ids,
      sessions,
      remote,
      pendingHandoffs,
      workers,
      calls,
      subscriptions,
      upstreams,
      registry,
    );
    this.orphanedStreams = new OrphanedStreams(ids, archive ?? new NullEventArchive());
    const cipher = new HandoffCipher(secret);
    const transfer = new SessionTransfer(sessions, upstreams, subscriptions, registry);
    const { readiness } = this;
    this.receiver = new HandoffReceiver(readiness, transfer, cipher, workerId, workers, directory, pendingHandoffs);
    this.handoff = new SessionHandoff(workerId, sessions, workers, pendingHandoffs, node, cipher, transfer);
  }

  get name(): string {
    return this.workerId.text;
  }

  async start(): Promise<void> {
    const module = await Test.createTestingModule({
      controllers: [SessionInboxController, PoolInboxController],
      providers: [
        { provide: SessionRouter, useValue: this.router },
        { provide: ServerRegistry, useValue: this.registry },
        { provide: UpstreamPool, useValue: this.upstreams },
        InFlightWaits,
        { provide: Clock, useValue: this.clock },
        { provide: HandoffReceiver, useValue: this.receiver },
      ],
    }).compile();
    this.app = module.createNestMicroservice({ strategy: this.server, logger: false });
    await this.app.listen();
  }

  /** Opens a session on this worker. */
  open(more: Partial<SessionRequest> = {}): LocalSession {
    return this.router.open({ ...BINDING, client: LEGACY_CLIENT, ...more });
  }

  /** Hands off the sessions as a draining worker does. */
  async drain(): Promise<void> {
    this.readiness.startDraining();
    await this.handoff.run();
  }

  /** Lets the spec decide how this worker's handoff offers end. Other orders are not affected. */
  interceptOffers(become: (offer: () => Promise<BusEnd>, to: string) => Promise<BusEnd>): void {
    const { node } = this.server;
    const request = node.request.bind(node);
    node.request = (order, onEvent) => {
      if (order.pattern !== SessionPattern.adopt) return request(order, onEvent);
      const end = become(() => request(order).end, order.to);
      return { end, accepted: end.then(() => true), cancel: () => undefined };
    };
  }

  /** Holds back this worker's handoff offers until the returned function is called. */
  holdOffers(): () => void {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.interceptOffers(async (offer) => {
      await promise;
      return offer();
    });
    return resolve;
  }

  /** Stops the worker. From now on the others see that it is dead. */
  async close(): Promise<void> {
    this.sessions.onApplicationShutdown();
    await this.upstreams.close();
    await this.app?.close();
    this.app = undefined;
  }
}

export class WorkerCluster {
  readonly secret = randomBytes(32);
  /** Time advances only when the spec advances it. */
  readonly clock = new ManualClock();
  readonly relay = new MemoryRelay(this.clock);
  readonly directory = new InMemoryHandoffDirectory();
  private readonly workers: TestWorker[] = [];

  /** Starts a worker. Afterwards all workers know each other. */
  async start(options: TestWorkerOptions = {}): Promise<TestWorker> {
    const worker = new TestWorker(this, options);
    this.workers.push(worker);
    await worker.start();
    await this.heartbeat();
    return worker;
  }

  /** The two workers other than `drainingWorker`, in the order in which they are offered the session. Needs three workers. */
  rankedFor(session: string, drainingWorker: TestWorker): [TestWorker, TestWorker] {
    const others = this.workers.filter((worker) => worker !== drainingWorker);
    const names = rankByRendezvous(
      session,
      others.map(({ name }) => name),
    );
    const [one, other] = others.toSorted((a, b) => names.indexOf(a.name) - names.indexOf(b.name));
    if (!one || !other) throw new Error('The cluster must have three workers.');
    return [one, other];
  }

  /** Advances time until each worker has refreshed its view of the others. */
  heartbeat(): Promise<void> {
    return this.clock.advance(1_000);
  }

  /** Advances time until the promise settles. */
  async advanceUntilSettled<T>(what: Promise<T>): Promise<T> {
    let isSettled = false;
    const settled = what.finally(() => (isSettled = true));
    settled.catch(() => undefined);
    while (!isSettled) await this.clock.advance(50);
    return settled;
  }

  async close(): Promise<void> {
    for (const worker of this.workers.splice(0)) await this.advanceUntilSettled(worker.close());
  }
}

export const createCall = (requestId: RequestId, more: Partial<UpstreamCall> = {}): UpstreamCall => ({
  server: SERVER,
  request: { method: 'tools/call', params: { name: 'x' } },
  caller: BINDING.caller,
  client: LEGACY_CLIENT,
  requestId,
  clientRepeatsCall: false,
  ...more,
});
