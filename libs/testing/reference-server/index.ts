export type { CallCounters, CallEvent, ReferenceWorld, ToolCounts } from './features/index.js';
export { startReferenceServer, type ReferenceServer, type ReferenceServerOptions } from './start.js';
