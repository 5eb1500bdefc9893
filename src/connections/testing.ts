export { ConnectionNotHeld } from './connections.errors.js';
export { NOT_HELD } from './placement.js';
export { PoolInboxController } from './pool-inbox.controller.js';
export { PoolPattern } from './pool-orders.js';
export { WorkerPlacement } from './worker-placement.js';
