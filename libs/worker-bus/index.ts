export { BusNode } from './bus-node.js';
export type { BusParts } from './bus-parts.js';
export { WorkerBus, type BusContext, type BusEnd, type BusExchange, type BusRequest, type BusService } from './bus.js';
export type { AddressCheck } from './frames/address-check.js';
export { EndGate, type EndStatus } from './frames/end-gate.js';
export { FrameOrder } from './frames/frame-order.js';
export { FrameMac } from './frames/frame-mac.js';
export { Membership } from './membership/membership.js';
export { WorkerBusContext } from './nest/worker-bus-context.js';
export { LEAVING_REASON, WorkerBusServer, type AdmissionCheck } from './nest/worker-bus-server.js';
export { BusObserver, type DropCause } from './observer.js';
export {
  RelayFailure,
  type Address,
  type AnnounceReply,
  type ClaimVerdict,
  type Directory,
  type Ledger,
  type Mailbox,
  type Relay,
  type RevokeVerdict,
  type Ticket,
  type Wire,
  type WorkerPresence,
} from './ports/index.js';
export { MemoryRelay, RedisRelay } from './relays/index.js';
export type { BusLimits } from './protocol.js';
export { AcceptanceQueue } from './responder/acceptance-queue.js';
export type { AbortCause, BusAborted } from './responder/running-request.js';
export { SeenRequests } from './responder/seen-requests.js';
