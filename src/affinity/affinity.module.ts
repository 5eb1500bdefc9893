import { Module, type OnModuleInit } from '@nestjs/common';
import { WorkerBus } from '#lib/worker-bus';
import { Coordination, CoordinationModule } from '../coordination/index.js';
import { DataFolder, DataFolderModule } from '../data-folder/index.js';
import { Drain, DrainModule } from '../drain/index.js';
import { HealthModule } from '../health/index.js';
import { RegistryModule } from '../registry/index.js';
import { DeferredPlacement, SessionPool, SessionPoolModule } from '../session-pool/index.js';
import { SubscriptionsModule } from '../subscriptions/index.js';
import { createSessionAdmission } from './session-admission.js';
import { SessionHandoff } from './session-handoff.js';
import { HandoffDirectory } from './handoff-directory.js';
import { HandoffCipher } from './handoff-cipher.js';
import { HandoffReceiver } from './handoff-receiver.js';
import { InspectionInboxController } from './inspection-inbox.controller.js';
import { Inspection } from './inspection.js';
import { EmptyHandoffDirectory } from './empty-handoff-directory.js';
import { OrderAdmission, WorkersModule, WorkerId, WorkerRegistry } from '../workers/index.js';
import { PendingHandoffs } from './pending-handoffs.js';
import { ParkedDirectory } from './parked-directory.js';
import { ParkedInboxController } from './parked-inbox.controller.js';
import { PoolInboxController } from './pool-inbox.controller.js';
import { RedisHandoffDirectory } from './redis-handoff-directory.js';
import { RepeatedCalls } from './repeated-calls.js';
import { RequestStates } from './request-states.js';
import { RendezvousPlacement } from './rendezvous-placement.js';
import { SessionIds } from './session-ids.js';
import { SessionInboxController } from './session-inbox.controller.js';
import { SessionRouter } from './session-router.js';

const sessionIds = {
  provide: SessionIds,
  inject: [DataFolder, WorkerId],
  useFactory: (folder: DataFolder, me: WorkerId) => new SessionIds(folder.secrets.session, me),
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
    DrainModule,
    HealthModule,
    RegistryModule,
    SessionPoolModule,
    SubscriptionsModule,
    WorkersModule,
  ],
  controllers: [SessionInboxController, PoolInboxController, ParkedInboxController, InspectionInboxController],
  providers: [
    sessionIds,
    PendingHandoffs,
    handoffDirectory,
    handoffCipher,
    requestStates,
    HandoffReceiver,
    SessionHandoff,
    SessionRouter,
    RepeatedCalls,
    ParkedDirectory,
    Inspection,
  ],
  exports: [SessionRouter, RepeatedCalls, ParkedDirectory, Inspection],
})
export class AffinityModule implements OnModuleInit {
  constructor(
    admission: OrderAdmission,
    sessions: SessionPool,
    pendingHandoffs: PendingHandoffs,
    private readonly drain: Drain,
    private readonly handoff: SessionHandoff,
    private readonly placement: DeferredPlacement,
    private readonly workerId: WorkerId,
    private readonly workers: WorkerRegistry,
    private readonly bus: WorkerBus,
  ) {
    admission.addCheck(createSessionAdmission(sessions, pendingHandoffs));
  }

  onModuleInit(): void {
    this.drain.addStep(this.handoff);
    this.placement.bind(new RendezvousPlacement(this.workerId.text, this.workers, this.bus));
  }
}
