export { createHttpAdapter } from './edge/index.js';
export { OpenReplies } from './open-replies.js';
export { OriginConfig } from './origin.config.js';
export { TransportConfig } from './transport.config.js';
export { TransportModule } from './transport.module.js';
