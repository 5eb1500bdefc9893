export { BusNode } from './bus-node.js';
export type { BusParts } from './bus-parts.js';
export { WorkerBus, type BusContext, type BusEnd, type BusExchange, type BusOrder, type BusService } from './bus.js';
export { AddressCheck } from './frames/address-check.js';
export { EndGate, type EndStatus } from './frames/end-gate.js';
export { FrameOrder } from './frames/frame-order.js';
export { FrameSeal } from './frames/frame-seal.js';
export { Membership } from './membership/membership.js';
export { BusLog } from './nest/bus-log.js';
export { WorkerBusContext } from './nest/worker-bus-context.js';
export { WorkerBusServer, type Admittance } from './nest/worker-bus-server.js';
export { BusObserver, type DropCause } from './observer.js';
export {
  Directory,
  Ledger,
  RelayFailure,
  SystemTimer,
  Timer,
  Wire,
  type Address,
  type Announced,
  type ClaimVerdict,
  type Mailbox,
  type Relay,
  type RevokeVerdict,
  type Ticket,
  type WorkerState,
} from './ports/index.js';
export { MemoryRelay, RedisRelay } from './relays/index.js';
export type { BusLimits } from './protocol.js';
export { AcceptanceQueue } from './responder/acceptance-queue.js';
export { BusAborted, type AbortCause } from './responder/running-request.js';
export { SeenRequests } from './responder/seen-requests.js';
