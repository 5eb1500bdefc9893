export { CallsConfig } from './calls.config.js';
export { CallsModule } from './calls.module.js';
export { ParkedCalls } from './parked-calls.js';
export { ParkedDirectory, type LocatedParkedCall } from './parked-directory.js';
export { RepeatedCalls } from './repeated-calls.js';
export type { ParkedState } from './request-states.js';
export { UpstreamCalls, type UpstreamCall } from './upstream-calls.js';
