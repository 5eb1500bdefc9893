export { GatewayLogger } from './gateway-logger.js';
export { LoggingConfig } from './logging.config.js';
export { StructuredLine, type LineFields } from './structured-line.js';
