import { hkdfSync } from 'node:crypto';
import { Module, type OnModuleInit } from '@nestjs/common';
import { MemoryRelay, RedisRelay, WorkerBus, WorkerBusServer, type Relay } from '#lib/worker-bus';
import { Coordination, CoordinationModule } from '../coordination/index.js';
import { DataFolder, DataFolderModule } from '../data-folder/index.js';
import { Drain, DrainModule } from '../drain/index.js';
import { HealthModule } from '../health/index.js';
import { RegistryModule } from '../registry/index.js';
import { ParkedCalls, PlacementSeat, SessionPool, SessionPoolModule } from '../session-pool/index.js';
import { SubscriptionsModule } from '../subscriptions/index.js';
import { admittanceOf } from './admittance.js';
import { BusWorkers } from './bus-workers.js';
import { HandOver } from './hand-over.js';
import { Heirs } from './heirs.js';
import { HeritageSeal } from './heritage-seal.js';
import { Inheritance } from './inheritance.js';
import { InspectionInboxController } from './inspection-inbox.controller.js';
import { Inspection } from './inspection.js';
import { LoneWorker, NoHeirs } from './lone-worker.js';
import { Moves } from './moves.js';
import { ParkedDirectory } from './parked-directory.js';
import { ParkedInboxController } from './parked-inbox.controller.js';
import { PoolInboxController } from './pool-inbox.controller.js';
import { RedisHeirs } from './redis-heirs.js';
import { RepeatedCalls } from './repeated-calls.js';
import { RequestStates } from './request-states.js';
import { RendezvousPlacement } from './rendezvous-placement.js';
import { Incarnation, SessionIds } from './session-ids.js';
import { SessionInboxController } from './session-inbox.controller.js';
import { SessionRouter } from './session-router.js';
import { Survey } from './survey.js';
import { Workers } from './workers.js';

const SECRET_BYTES = 32;

const sessionIds = {
  provide: SessionIds,
  inject: [DataFolder, Incarnation],
  useFactory: (folder: DataFolder, me: Incarnation) => new SessionIds(folder.secrets.session, me),
};

const heritageSeal = {
  provide: HeritageSeal,
  inject: [DataFolder],
  useFactory: ({ secrets }: DataFolder) => new HeritageSeal(secrets.session),
};

const requestStates = {
  provide: RequestStates,
  inject: [DataFolder],
  useFactory: ({ secrets }: DataFolder) => new RequestStates(secrets.session),
};

/** The same handlers serve requests over Redis and, for a single worker, within the process. */
const busServer = {
  provide: WorkerBusServer,
  inject: [Coordination, DataFolder, Incarnation, SessionPool, Moves],
  useFactory: (
    { redis }: Coordination,
    { secrets }: DataFolder,
    me: Incarnation,
    sessions: SessionPool,
    moves: Moves,
  ) => {
    const relay: Relay = redis ? new RedisRelay(redis.connections, redis.keys) : new MemoryRelay();
    const secret = Buffer.from(hkdfSync('sha256', secrets.session, '', 'isthmus worker bus', SECRET_BYTES));
    const parts = { me: me.text, secret, wire: relay, ledger: relay, directory: relay };
    return new WorkerBusServer(parts, admittanceOf(sessions, moves));
  },
};

const nodeOfServer = { provide: WorkerBus, inject: [WorkerBusServer], useFactory: ({ node }: WorkerBusServer) => node };

const knownWorkers = {
  provide: Workers,
  inject: [Coordination, WorkerBusServer, Incarnation, SessionPool, ParkedCalls],
  useFactory: (
    { redis }: Coordination,
    { node }: WorkerBusServer,
    me: Incarnation,
    sessions: SessionPool,
    parked: ParkedCalls,
  ) => {
    if (!redis) return new LoneWorker(me);
    return new BusWorkers(node.membership, () => {
      sessions.abandon();
      parked.abandon();
    });
  },
};

const heirs = {
  provide: Heirs,
  inject: [Coordination],
  useFactory: ({ redis }: Coordination) => (redis ? new RedisHeirs(redis.commands, redis.keys) : new NoHeirs()),
};

@Module({
  imports: [
    CoordinationModule,
    DataFolderModule,
    DrainModule,
    HealthModule,
    RegistryModule,
    SessionPoolModule,
    SubscriptionsModule,
  ],
  controllers: [SessionInboxController, PoolInboxController, ParkedInboxController, InspectionInboxController],
  providers: [
    Incarnation,
    sessionIds,
    Moves,
    busServer,
    nodeOfServer,
    knownWorkers,
    heirs,
    heritageSeal,
    requestStates,
    Inheritance,
    HandOver,
    SessionRouter,
    RepeatedCalls,
    Survey,
    ParkedDirectory,
    Inspection,
  ],
  exports: [Incarnation, WorkerBusServer, SessionRouter, RepeatedCalls, ParkedDirectory, Inspection],
})
export class AffinityModule implements OnModuleInit {
  constructor(
    private readonly drain: Drain,
    private readonly handOver: HandOver,
    private readonly seat: PlacementSeat,
    private readonly me: Incarnation,
    private readonly workers: Workers,
    private readonly bus: WorkerBus,
  ) {}

  onModuleInit(): void {
    this.drain.beforeClosing(this.handOver);
    this.seat.take(new RendezvousPlacement(this.me.text, this.workers, this.bus));
  }
}
