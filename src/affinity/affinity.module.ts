import { hkdfSync } from 'node:crypto';
import { Module, type OnModuleInit } from '@nestjs/common';
import { MemoryRelay, RedisRelay, WorkerBus, WorkerBusServer, type Relay } from '#lib/worker-bus';
import { Coordination, CoordinationModule } from '../coordination/index.js';
import { DataFolder, DataFolderModule } from '../data-folder/index.js';
import { Drain, LifecycleModule } from '../lifecycle/index.js';
import { RegistryModule } from '../registry/index.js';
import { ParkedCalls, DeferredPlacement, SessionPool, SessionPoolModule } from '../session-pool/index.js';
import { SubscriptionsModule } from '../subscriptions/index.js';
import { createSessionAdmission } from './session-admission.js';
import { BusWorkerRegistry } from './bus-worker-registry.js';
import { SessionHandoff } from './session-handoff.js';
import { HandoffDirectory } from './handoff-directory.js';
import { HandoffCipher } from './handoff-cipher.js';
import { HandoffReceiver } from './handoff-receiver.js';
import { InspectionInboxController } from './inspection-inbox.controller.js';
import { Inspection } from './inspection.js';
import { SingleWorkerRegistry, EmptyHandoffDirectory } from './single-worker.js';
import { PendingHandoffs } from './pending-handoffs.js';
import { ParkedDirectory } from './parked-directory.js';
import { ParkedInboxController } from './parked-inbox.controller.js';
import { PoolInboxController } from './pool-inbox.controller.js';
import { RedisHandoffDirectory } from './redis-handoff-directory.js';
import { RepeatedCalls } from './repeated-calls.js';
import { RequestStates } from './request-states.js';
import { RendezvousPlacement } from './rendezvous-placement.js';
import { WorkerId, SessionIds } from './session-ids.js';
import { SessionInboxController } from './session-inbox.controller.js';
import { SessionRouter } from './session-router.js';
import { WorkerBroadcast } from './worker-broadcast.js';
import { WorkerRegistry } from './worker-registry.js';

const SECRET_BYTES = 32;

const sessionIds = {
  provide: SessionIds,
  inject: [DataFolder, WorkerId],
  useFactory: (folder: DataFolder, workerId: WorkerId) => new SessionIds(folder.secrets.session, workerId),
};

const handoffCipher = {
  provide: HandoffCipher,
  inject: [DataFolder],
  useFactory: ({ secrets }: DataFolder) => new HandoffCipher(secrets.session),
};

const requestStates = {
  provide: RequestStates,
  inject: [DataFolder],
  useFactory: ({ secrets }: DataFolder) => new RequestStates(secrets.session),
};

/** The same handlers serve requests over Redis and, for a single worker, within the process. */
const workerBusServer = {
  provide: WorkerBusServer,
  inject: [Coordination, DataFolder, WorkerId, SessionPool, PendingHandoffs],
  useFactory: (
    { redis }: Coordination,
    { secrets }: DataFolder,
    workerId: WorkerId,
    sessions: SessionPool,
    pendingHandoffs: PendingHandoffs,
  ) => {
    const relay: Relay = redis ? new RedisRelay(redis.connections, redis.keys) : new MemoryRelay();
    const secret = Buffer.from(hkdfSync('sha256', secrets.session, '', 'isthmus worker bus', SECRET_BYTES));
    const parts = { me: workerId.text, secret, wire: relay, ledger: relay, directory: relay };
    return new WorkerBusServer(parts, createSessionAdmission(sessions, pendingHandoffs));
  },
};

const workerBus = { provide: WorkerBus, inject: [WorkerBusServer], useFactory: ({ node }: WorkerBusServer) => node };

const workerRegistry = {
  provide: WorkerRegistry,
  inject: [Coordination, WorkerBusServer, WorkerId, SessionPool, ParkedCalls],
  useFactory: (
    { redis }: Coordination,
    { node }: WorkerBusServer,
    workerId: WorkerId,
    sessions: SessionPool,
    parkedCalls: ParkedCalls,
  ) => {
    if (!redis) return new SingleWorkerRegistry(workerId);
    return new BusWorkerRegistry(node.membership, () => {
      sessions.endAll();
      parkedCalls.cancelAll();
    });
  },
};

const handoffDirectory = {
  provide: HandoffDirectory,
  inject: [Coordination],
  useFactory: ({ redis }: Coordination) =>
    redis ? new RedisHandoffDirectory(redis.commands, redis.keys) : new EmptyHandoffDirectory(),
};

@Module({
  imports: [
    CoordinationModule,
    DataFolderModule,
    LifecycleModule,
    RegistryModule,
    SessionPoolModule,
    SubscriptionsModule,
  ],
  controllers: [SessionInboxController, PoolInboxController, ParkedInboxController, InspectionInboxController],
  providers: [
    WorkerId,
    sessionIds,
    PendingHandoffs,
    workerBusServer,
    workerBus,
    workerRegistry,
    handoffDirectory,
    handoffCipher,
    requestStates,
    HandoffReceiver,
    SessionHandoff,
    SessionRouter,
    RepeatedCalls,
    WorkerBroadcast,
    ParkedDirectory,
    Inspection,
  ],
  exports: [WorkerId, WorkerBusServer, SessionRouter, RepeatedCalls, ParkedDirectory, Inspection],
})
export class AffinityModule implements OnModuleInit {
  constructor(
    private readonly drain: Drain,
    private readonly handoff: SessionHandoff,
    private readonly placement: DeferredPlacement,
    private readonly workerId: WorkerId,
    private readonly workers: WorkerRegistry,
    private readonly bus: WorkerBus,
  ) {}

  onModuleInit(): void {
    this.drain.addStep(this.handoff);
    this.placement.bind(new RendezvousPlacement(this.workerId.text, this.workers, this.bus));
  }
}
