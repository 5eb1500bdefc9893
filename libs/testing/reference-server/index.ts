export type { CallCounters, CallEvent, ReferenceWorld, ToolCounts } from './features/index.js';
export { startReferenceServer, type ReferenceServer, type ReferenceServerOptions } from './start.js';
export { referenceCommand, type ReferenceCommand } from './stdio-command.js';
