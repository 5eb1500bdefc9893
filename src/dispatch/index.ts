export { ClientNotifications } from './client-notifications.js';
export { DispatchConfig } from './dispatch.config.js';
export { DispatchModule } from './dispatch.module.js';
export { Dispatcher } from './dispatcher.js';
export { ListCache } from './lists/index.js';
export type { Inbound } from './inbound.js';
export { Readmission } from './readmission.js';
export { EndpointInfo } from './endpoint-info.js';
