export { toStartErrorText } from './faults.js';
export { runGateway, type GatewayCallbacks, type RunningGateway, type RunOptions } from './run-gateway.js';
export { runWorkers } from './run-workers.js';
export { settingsPage } from './settings-page.js';
