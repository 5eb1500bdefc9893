import { hkdfSync } from 'node:crypto';
import { Module } from '@nestjs/common';
import { MemoryRelay, RedisRelay, WorkerBus, WorkerBusServer, type Relay } from '#lib/worker-bus';
import { Coordination, CoordinationModule } from '../coordination/index.js';
import { DataFolder, DataFolderModule } from '../data-folder/index.js';
import { RegistryModule } from '../registry/index.js';
import { SessionPool, SessionPoolModule } from '../session-pool/index.js';
import { SubscriptionsModule } from '../subscriptions/index.js';
import { admittanceOf } from './admittance.js';
import { BusWorkers } from './bus-workers.js';
import { Heirs } from './heirs.js';
import { LoneWorker, NoHeirs } from './lone-worker.js';
import { RedisHeirs } from './redis-heirs.js';
import { Incarnation, SessionIds } from './session-ids.js';
import { SessionInboxController } from './session-inbox.controller.js';
import { SessionRouter } from './session-router.js';
import { Workers } from './workers.js';

const SECRET_BYTES = 32;

const sessionIds = {
  provide: SessionIds,
  inject: [DataFolder, Incarnation],
  useFactory: (folder: DataFolder, me: Incarnation) => new SessionIds(folder.secrets.session, me),
};

/** The same handlers serve over Redis and, for a worker alone, within its process. */
const busServer = {
  provide: WorkerBusServer,
  inject: [Coordination, DataFolder, Incarnation, SessionPool],
  useFactory: ({ redis }: Coordination, { secrets }: DataFolder, me: Incarnation, sessions: SessionPool) => {
    const relay: Relay = redis ? new RedisRelay(redis.connections, redis.keys) : new MemoryRelay();
    const secret = Buffer.from(hkdfSync('sha256', secrets.session, '', 'isthmus worker bus', SECRET_BYTES));
    const parts = { me: me.text, secret, wire: relay, ledger: relay, directory: relay };
    return new WorkerBusServer(parts, admittanceOf(sessions));
  },
};

const bus = { provide: WorkerBus, inject: [WorkerBusServer], useFactory: ({ node }: WorkerBusServer) => node };

const workers = {
  provide: Workers,
  inject: [Coordination, WorkerBusServer, Incarnation, SessionPool],
  useFactory: ({ redis }: Coordination, { node }: WorkerBusServer, me: Incarnation, sessions: SessionPool) =>
    redis ? new BusWorkers(node.membership, () => sessions.abandon()) : new LoneWorker(me),
};

const heirs = {
  provide: Heirs,
  inject: [Coordination],
  useFactory: ({ redis }: Coordination) => (redis ? new RedisHeirs(redis.commands, redis.keys) : new NoHeirs()),
};

@Module({
  imports: [CoordinationModule, DataFolderModule, RegistryModule, SessionPoolModule, SubscriptionsModule],
  controllers: [SessionInboxController],
  providers: [Incarnation, sessionIds, busServer, bus, workers, heirs, SessionRouter],
  exports: [Incarnation, WorkerBusServer, SessionRouter],
})
export class AffinityModule {}
