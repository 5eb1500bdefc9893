export {
  CallInterception,
  DeferredInterception,
  type ClientRepetition,
  type ExecuteCall,
  type ExecutedCall,
  type RunIntercepted,
  type ServerAnswers,
} from './call-interception.js';
export { MessageRefused, type CallMessages } from './call-messages.js';
export { CallsConfig } from './calls.config.js';
export { CallsModule } from './calls.module.js';
export { ParkedCalls } from './parked-calls.js';
export { ParkedDirectory, type LocatedParkedCall } from './parked-directory.js';
export { RepeatedCalls } from './repeated-calls.js';
export type { ParkedState } from './request-states.js';
export type { UpstreamCall } from './upstream-call.js';
export { UpstreamCalls } from './upstream-calls.js';
