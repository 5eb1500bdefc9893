export { toStartErrorText } from './faults.js';
export { runGateway } from './run-gateway.js';
export { runWorkers } from './run-workers.js';
export { settingsPage } from './settings-page.js';
export { readArguments, USAGE } from './start-arguments.js';
