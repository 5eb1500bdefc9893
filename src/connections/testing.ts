export { ConnectionNotHeld } from './connections.errors.js';
export { PoolInboxController } from './pool-inbox.controller.js';
export { PoolPattern } from './pool-orders.js';
export { RendezvousPlacement } from './rendezvous-placement.js';
