export { WorkerBus, type BusContext, type BusEnd, type BusExchange } from './bus.js';
export { Membership } from './membership/membership.js';
export { WorkerBusContext } from './nest/worker-bus-context.js';
export { LEAVING_REASON, WorkerBusServer, type AdmissionCheck } from './nest/worker-bus-server.js';
export { RelayFailure, type Relay } from './ports/index.js';
export { MemoryRelay, RedisRelay } from './relays/index.js';
