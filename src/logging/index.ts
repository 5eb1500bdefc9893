export { GatewayLogger } from './gateway-logger.js';
export { LoggingConfig } from './logging.config.js';
export { StructuredLine } from './structured-line.js';
