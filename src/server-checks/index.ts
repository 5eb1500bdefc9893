export { ServerChecksConfig } from './server-checks.config.js';
export { ServerChecksModule } from './server-checks.module.js';
export { ServerChecks } from './server-checks.js';
export type { ServerState } from './server-state.js';
