export type {
  RemoteServer,
  ServerDefinition,
  ServerTimeouts,
  StdioServer,
  VirtualServerDefinition,
} from './server-definition.js';
export { ServerRegistry, type RegistrySnapshot } from './server-registry.js';
