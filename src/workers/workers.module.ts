import { hkdfSync } from 'node:crypto';
import { Module } from '@nestjs/common';
import { Clock } from '#lib/time';
import { MemoryRelay, RedisRelay, WorkerBus, WorkerBusServer, type Relay } from '#lib/worker-bus';
import { Coordination, CoordinationModule } from '../coordination/index.js';
import { DataFolder, DataFolderModule } from '../data-folder/index.js';
import { BusWorkerRegistry } from './bus-worker-registry.js';
import { InFlightWaits } from './in-flight-waits.js';
import { JoinAnnouncement } from './join-announcement.js';
import { OrderAdmission } from './order-admission.js';
import { SingleWorkerRegistry } from './single-worker-registry.js';
import { WorkerBroadcast } from './worker-broadcast.js';
import { WorkerId } from './worker-id.js';
import { WorkerRegistry } from './worker-registry.js';
import { WorkersInboxController } from './workers-inbox.controller.js';

const SECRET_BYTES = 32;

/** The same handlers serve requests over Redis and, for a single worker, within the process. */
const workerBusServer = {
  provide: WorkerBusServer,
  inject: [Coordination, DataFolder, WorkerId, OrderAdmission, Clock],
  useFactory: (
    { redis }: Coordination,
    { secrets }: DataFolder,
    me: WorkerId,
    admission: OrderAdmission,
    timer: Clock,
  ) => {
    const relay: Relay = redis ? new RedisRelay(redis.connections, redis.keys) : new MemoryRelay(timer);
    const secret = Buffer.from(hkdfSync('sha256', secrets.session, '', 'isthmus worker bus', SECRET_BYTES));
    const parts = { workerId: me.text, secret, wire: relay, ledger: relay, directory: relay, timer };
    return new WorkerBusServer(parts, (pattern, payload) => admission.check(pattern, payload));
  },
};

const workerBus = { provide: WorkerBus, inject: [WorkerBusServer], useFactory: ({ node }: WorkerBusServer) => node };

const workerRegistry = {
  provide: WorkerRegistry,
  inject: [Coordination, WorkerBusServer, WorkerId],
  useFactory: ({ redis }: Coordination, { node }: WorkerBusServer, me: WorkerId) =>
    redis ? new BusWorkerRegistry(node.membership) : new SingleWorkerRegistry(me),
};

@Module({
  imports: [CoordinationModule, DataFolderModule],
  controllers: [WorkersInboxController],
  providers: [
    WorkerId,
    OrderAdmission,
    InFlightWaits,
    workerBusServer,
    workerBus,
    workerRegistry,
    WorkerBroadcast,
    JoinAnnouncement,
  ],
  exports: [WorkerId, OrderAdmission, InFlightWaits, WorkerBusServer, WorkerBus, WorkerRegistry, WorkerBroadcast],
})
export class WorkersModule {}
