export { BusNode } from '../bus-node.js';
export type { BusParts } from '../bus-parts.js';
export type { BusRequest, BusService } from '../bus.js';
export { EndGate } from '../frames/end-gate.js';
export { FrameOrder } from '../frames/frame-order.js';
export { FrameCipher } from '../frames/frame-cipher.js';
export { BusObserver } from '../observer.js';
export type {
  Address,
  AnnounceReply,
  ClaimVerdict,
  Mailbox,
  RevokeVerdict,
  Ticket,
  WorkerPresence,
} from '../ports/index.js';
export { AcceptanceQueue } from '../responder/acceptance-queue.js';
export { SeenRequests } from '../responder/seen-requests.js';
