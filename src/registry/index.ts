export { FileServerRegistry, type Reload } from './file-server-registry.js';
export { publicExposureWarnings } from './public-exposure.js';
export { RegistryConfig } from './registry.config.js';
export { RegistryFault } from './registry.errors.js';
export { RegistryModule } from './registry.module.js';
export type {
  RemoteServer,
  RestServer,
  RestTool,
  ServerDefinition,
  ServerTimeouts,
  StdioServer,
  VirtualServerDefinition,
} from './server-definition.js';
export { ServerRegistry, type RegistrySnapshot } from './server-registry.js';
