export { ConnectionNotHeld } from './connections.errors.js';
export { NOT_HELD } from './placement.js';
export { PoolInboxController } from './pool-inbox.controller.js';
export { PoolPattern } from './pool-orders.js';
export { RendezvousPlacement } from './rendezvous-placement.js';
