/**
 * Workers of one installation within one process, wired as in the gateway. Only the upstream servers and Redis are
 * fakes.
 */
import { endpointsOf } from '../../test/support/endpoints.js';
import { randomBytes } from 'node:crypto';
import type { INestMicroservice } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import type { RequestId } from '#lib/mcp-protocol';
import { MemoryRelay, RelayFailure, WorkerBusServer, type BusEnd } from '#lib/worker-bus';
import { ManualTimer } from '#lib/testing/manual-timer';
import {
  callerOf,
  FakeConnector,
  FakeRegistry,
  LEGACY_CLIENT,
  remoteServer,
} from '../../test/support/fake-upstream.js';
import { Readiness } from '../health/index.js';
import { ServerRegistry, type ServerDefinition } from '../registry/index.js';
import {
  NoArchive,
  ParkedCalls,
  PlacementSeat,
  ServerHealth,
  SessionPool,
  SessionPoolConfig,
  UpstreamCalls,
  UpstreamPool,
  type EventArchive,
  type UpstreamCall,
} from '../session-pool/index.js';
import { ChangeFeeds, ListViewsSeat, SessionFeeds } from '../subscriptions/index.js';
import { admittanceOf } from './admittance.js';
import { BusWorkers } from './bus-workers.js';
import { HandOver } from './hand-over.js';
import { Heirs } from './heirs.js';
import { HeritageSeal } from './heritage-seal.js';
import { Inheritance } from './inheritance.js';
import type { LocalSession } from './local-session.js';
import { Moves } from './moves.js';
import { PoolInboxController } from './pool-inbox.controller.js';
import { RendezvousPlacement } from './rendezvous-placement.js';
import { rendezvous } from './rendezvous.js';
import { Incarnation, SessionIds } from './session-ids.js';
import { SessionInboxController } from './session-inbox.controller.js';
import { SessionPattern } from './session-orders.js';
import { SessionRouter, type SessionRequest } from './session-router.js';

/** The server that every worker has configured. */
export const SERVER = remoteServer('a');

/** The principal, endpoint and transport of the sessions in these specs. */
export const MINE = { caller: callerOf('me'), endpoint: 'a', transport: 'http' } as const;

/** The handoff directory that all workers share. */
export class SharedHeirs extends Heirs {
  readonly known = new Map<string, string>();
  isDown = false;

  override async of(session: string): Promise<string | undefined> {
    if (this.isDown) throw new RelayFailure(true, 'down');
    return this.known.get(session);
  }

  override async remember(session: string, newOwner: string): Promise<void> {
    if (this.isDown) throw new RelayFailure(true, 'down');
    this.known.set(session, newOwner);
  }

  override async forget(session: string): Promise<void> {
    if (this.isDown) throw new RelayFailure(true, 'down');
    this.known.delete(session);
  }
}

export interface WorkerMakeUp {
  readonly settings?: Partial<SessionPoolConfig>;
  readonly servers?: readonly ServerDefinition[];
  readonly archive?: EventArchive;
}

/** One worker of the cluster. */
export class Neighbour {
  readonly me = new Incarnation();
  readonly readiness = new Readiness();
  readonly connector = new FakeConnector();
  readonly moves = new Moves();
  readonly config = new SessionPoolConfig();
  private readonly seat = new PlacementSeat();
  readonly registry: FakeRegistry;
  readonly sessions: SessionPool;
  readonly upstreams: UpstreamPool;
  readonly feeds: SessionFeeds;
  readonly server: WorkerBusServer;
  readonly workers: BusWorkers;
  readonly router: SessionRouter;
  readonly inheritance: Inheritance;
  readonly handOver: HandOver;
  private app: INestMicroservice | undefined;

  constructor(neighbours: Neighbours, { settings = {}, servers = [SERVER], archive }: WorkerMakeUp) {
    const { secret, relay, timer, heirs } = neighbours;
    const config = Object.assign(this.config, settings);
    this.registry = new FakeRegistry(servers);
    this.sessions = new SessionPool(config, archive);
    this.upstreams = new UpstreamPool(this.connector, config, this.registry, this.seat);
    this.feeds = new SessionFeeds(
      new ChangeFeeds(this.upstreams, this.registry),
      endpointsOf(this.registry),
      new ListViewsSeat(),
    );
    const ports = { wire: relay, ledger: relay, directory: relay, timer };
    this.server = new WorkerBusServer({ me: this.me.text, secret, ...ports }, admittanceOf(this.sessions, this.moves));
    const { node } = this.server;
    this.workers = new BusWorkers(node.membership, () => this.sessions.abandon());
    this.seat.take(new RendezvousPlacement(this.name, this.workers, node));
    this.router = new SessionRouter(
      new SessionIds(secret, this.me),
      this.me,
      this.sessions,
      new UpstreamCalls(this.upstreams, config, new ParkedCalls(config), new ServerHealth(this.registry)),
      this.feeds,
      this.workers,
      heirs,
      this.moves,
      node,
      archive ?? new NoArchive(),
    );
    const seal = new HeritageSeal(secret);
    const { readiness, sessions, upstreams, feeds, registry, me } = this;
    this.inheritance = new Inheritance(
      readiness,
      sessions,
      upstreams,
      feeds,
      registry,
      seal,
      me,
      this.workers,
      heirs,
      this.moves,
    );
    const hand = [me, sessions, upstreams, feeds, this.workers, this.moves, node, seal] as const;
    this.handOver = new HandOver(...hand, this.inheritance);
  }

  get name(): string {
    return this.me.text;
  }

  async start(): Promise<void> {
    const module = await Test.createTestingModule({
      controllers: [SessionInboxController, PoolInboxController],
      providers: [
        { provide: SessionRouter, useValue: this.router },
        { provide: ServerRegistry, useValue: this.registry },
        { provide: UpstreamPool, useValue: this.upstreams },
        { provide: Inheritance, useValue: this.inheritance },
      ],
    }).compile();
    this.app = module.createNestMicroservice({ strategy: this.server, logger: false });
    await this.app.listen();
  }

  /** Opens a session on this worker. */
  open(more: Partial<SessionRequest> = {}): LocalSession {
    return this.router.open({ ...MINE, client: LEGACY_CLIENT, ...more });
  }

  /** Hands off the sessions as a draining worker does. */
  async leave(): Promise<void> {
    this.readiness.leave();
    await this.handOver.run();
  }

  /** Lets the spec decide how this worker's handoff offers end. Other orders are not affected. */
  onOffer(become: (offer: () => Promise<BusEnd>, to: string) => Promise<BusEnd>): void {
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
    this.onOffer(async (offer) => {
      await promise;
      return offer();
    });
    return resolve;
  }

  /** Stops the worker. From now on the others see that it is dead. */
  async close(): Promise<void> {
    this.sessions.onApplicationShutdown();
    await this.upstreams.onApplicationShutdown();
    await this.app?.close();
    this.app = undefined;
  }
}

export class Neighbours {
  readonly secret = randomBytes(32);
  /** Time advances only when the spec advances it. */
  readonly timer = new ManualTimer();
  readonly relay = new MemoryRelay(this.timer);
  readonly heirs = new SharedHeirs();
  private readonly all: Neighbour[] = [];

  /** Starts a worker. Afterwards all workers know each other. */
  async start(options: WorkerMakeUp = {}): Promise<Neighbour> {
    const worker = new Neighbour(this, options);
    this.all.push(worker);
    await worker.start();
    await this.beat();
    return worker;
  }

  /** The two workers other than `leaver`, in the order in which they are offered the session. Needs three workers. */
  rankedFor(session: string, drainingWorker: Neighbour): [Neighbour, Neighbour] {
    const others = this.all.filter((worker) => worker !== drainingWorker);
    const names = rendezvous(
      session,
      others.map(({ name }) => name),
    );
    const [one, other] = others.toSorted((a, b) => names.indexOf(a.name) - names.indexOf(b.name));
    if (!one || !other) throw new Error('The cluster must have three workers.');
    return [one, other];
  }

  /** Advances time until each worker has refreshed its view of the others. */
  beat(): Promise<void> {
    return this.timer.advance(1_000);
  }

  /** Advances time until the promise settles. */
  async whileTimePasses<T>(what: Promise<T>): Promise<T> {
    let isSettled = false;
    const settled = what.finally(() => (isSettled = true));
    settled.catch(() => undefined);
    while (!isSettled) await this.timer.advance(50);
    return settled;
  }

  async close(): Promise<void> {
    for (const worker of this.all.splice(0)) await this.whileTimePasses(worker.close());
  }
}

export const callOf = (requestId: RequestId, more: Partial<UpstreamCall> = {}): UpstreamCall => ({
  server: SERVER,
  request: { method: 'tools/call', params: { name: 'x' } },
  caller: MINE.caller,
  client: LEGACY_CLIENT,
  requestId,
  repeatsItself: false,
  ...more,
});
