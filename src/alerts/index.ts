export type { Alert, Delivery } from './alert.js';
export { Alerts } from './alerts.js';
export { AlertsConfig } from './alerts.config.js';
export { AlertsModule } from './alerts.module.js';
