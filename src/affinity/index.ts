export { AffinityModule } from './affinity.module.js';
export type { SessionHandle } from './session-handle.js';
export { SessionRouter, type SessionRequest } from './session-router.js';
