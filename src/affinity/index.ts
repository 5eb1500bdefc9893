export { SessionUnknown } from './affinity.errors.js';
export { AffinityModule } from './affinity.module.js';
export { ForwardedRpcInterceptor } from './forwarded-rpc.interceptor.js';
export type { LocalSession } from './local-session.js';
export type { SessionHandle } from './session-handle.js';
export type { SessionOrder } from './session-orders.js';
export { Inspection } from './inspection.js';
export type { BroadcastResult } from './worker-broadcast.js';
export type { WorkerView } from './inspection-orders.js';
export {
  ParkedDirectory,
  type ParkedCallList,
  type LocatedParkedCall,
} from './parked-directory.js';
export { RepeatedCalls } from './repeated-calls.js';
export type { ParkedState } from './request-states.js';
export { SessionRouter, type LocatedSession, type SessionRequest } from './session-router.js';
