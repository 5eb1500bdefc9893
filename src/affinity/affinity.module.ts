import { Module, type OnModuleInit } from '@nestjs/common';
import { CallsModule } from '../calls/index.js';
import { ConnectionsModule } from '../connections/index.js';
import { Coordination, CoordinationModule } from '../coordination/index.js';
import { DataFolder, DataFolderModule } from '../data-folder/index.js';
import { EventsModule } from '../events/index.js';
import { Drain, LifecycleModule } from '../lifecycle/index.js';
import { RegistryModule } from '../registry/index.js';
import { SessionPool, SessionPoolModule } from '../session-pool/index.js';
import { SubscriptionsModule } from '../subscriptions/index.js';
import { InFlightWaits, OrderAdmission, WorkerId, WorkersModule } from '../workers/index.js';
import { EmptyHandoffDirectory } from './empty-handoff-directory.js';
import { HandoffCipher } from './handoff-cipher.js';
import { HandoffDirectory } from './handoff-directory.js';
import { HandoffReceiver } from './handoff-receiver.js';
import { OrphanedStreams } from './orphaned-streams.js';
import { PendingHandoffs } from './pending-handoffs.js';
import { RedisHandoffDirectory } from './redis-handoff-directory.js';
import { RemoteSessions } from './remote-sessions.js';
import { createSessionAdmission } from './session-admission.js';
import { SessionEvents } from './session-events.js';
import { SessionHandoff } from './session-handoff.js';
import { SessionIds } from './session-ids.js';
import { SessionInboxController } from './session-inbox.controller.js';
import { SessionRouter } from './session-router.js';
import { SessionTransfer } from './session-transfer.js';

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

const handoffDirectory = {
  provide: HandoffDirectory,
  inject: [Coordination],
  useFactory: ({ redis }: Coordination) =>
    redis ? new RedisHandoffDirectory(redis.commands, redis.keys) : new EmptyHandoffDirectory(),
};

@Module({
  imports: [
    CallsModule,
    ConnectionsModule,
    CoordinationModule,
    DataFolderModule,
    EventsModule,
    LifecycleModule,
    RegistryModule,
    SessionPoolModule,
    SubscriptionsModule,
    WorkersModule,
  ],
  controllers: [SessionInboxController],
  providers: [
    sessionIds,
    SessionEvents,
    PendingHandoffs,
    handoffDirectory,
    handoffCipher,
    SessionTransfer,
    HandoffReceiver,
    SessionHandoff,
    RemoteSessions,
    SessionRouter,
    OrphanedStreams,
  ],
  exports: [SessionRouter, OrphanedStreams],
})
export class AffinityModule implements OnModuleInit {
  constructor(
    admission: OrderAdmission,
    sessions: SessionPool,
    pendingHandoffs: PendingHandoffs,
    private readonly drain: Drain,
    private readonly handoff: SessionHandoff,
    waits: InFlightWaits,
  ) {
    waits.addWait((clock) => handoff.finish(clock));
    admission.addCheck(createSessionAdmission(sessions, pendingHandoffs));
  }

  onModuleInit(): void {
    this.drain.addStep(this.handoff);
  }
}
