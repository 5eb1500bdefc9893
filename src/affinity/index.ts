export { SessionUnknown } from './affinity.errors.js';
export { AffinityModule } from './affinity.module.js';
export type { LocalSession } from './local-session.js';
export { OrphanedStreams } from './orphaned-streams.js';
export type { SessionHandle } from './session-handle.js';
export type { SessionOrder } from './session-orders.js';
export { SessionRouter } from './session-router.js';
