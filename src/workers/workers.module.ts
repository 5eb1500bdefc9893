import { hkdfSync } from 'node:crypto';
import { Module } from '@nestjs/common';
import { MemoryRelay, RedisRelay, WorkerBus, WorkerBusServer, type Relay } from '#lib/worker-bus';
import { Coordination, CoordinationModule } from '../coordination/index.js';
import { DataFolder, DataFolderModule } from '../data-folder/index.js';
import { BusWorkerRegistry } from './bus-worker-registry.js';
import { InFlightWaits } from './in-flight-waits.js';
import { OrderAdmission } from './order-admission.js';
import { SingleWorkerRegistry } from './single-worker-registry.js';
import { WorkerBroadcast } from './worker-broadcast.js';
import { WorkerId } from './worker-id.js';
import { WorkerRegistry } from './worker-registry.js';

const SECRET_BYTES = 32;

/** The same handlers serve requests over Redis and, for a single worker, within the process. */
const workerBusServer = {
  provide: WorkerBusServer,
  inject: [Coordination, DataFolder, WorkerId, OrderAdmission],
  useFactory: ({ redis }: Coordination, { secrets }: DataFolder, me: WorkerId, admission: OrderAdmission) => {
    const relay: Relay = redis ? new RedisRelay(redis.connections, redis.keys) : new MemoryRelay();
    const secret = Buffer.from(hkdfSync('sha256', secrets.session, '', 'isthmus worker bus', SECRET_BYTES));
    const parts = { me: me.text, secret, wire: relay, ledger: relay, directory: relay };
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
  providers: [WorkerId, OrderAdmission, InFlightWaits, workerBusServer, workerBus, workerRegistry, WorkerBroadcast],
  exports: [WorkerId, OrderAdmission, InFlightWaits, WorkerBusServer, WorkerBus, WorkerRegistry, WorkerBroadcast],
})
export class WorkersModule {}
