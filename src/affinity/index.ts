export { SessionUnknown } from './affinity.errors.js';
export { AffinityModule } from './affinity.module.js';
export { ForwardedRpcInterceptor } from './forwarded-rpc.interceptor.js';
export type { LocalSession } from './local-session.js';
export type { SessionHandle } from './session-handle.js';
export type { SessionOrder } from './session-orders.js';
export { ParkedDirectory, type ParkedSurvey, type PlacedParkedCall } from './parked-directory.js';
export { RepeatedCalls } from './repeated-calls.js';
export { SessionRouter, type LocatedSession, type SessionRequest } from './session-router.js';
