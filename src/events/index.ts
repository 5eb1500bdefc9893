export { EventsModule } from './events.module.js';
export { GatewayEvents } from './gateway-events.js';
