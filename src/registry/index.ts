export { ConfigurationFile, type Reload } from './configuration-file.js';
export {
  LimitEntry,
  PolicyEntry,
  RemoteServerEntry,
  RestServerEntry,
  StdioServerEntry,
  TeamEntry,
  VirtualServerEntry,
} from './entries.js';
export { CREDENTIAL_MEMBERS } from './credential-members.js';
export { OpenRegistry } from './open-registry.js';
export { publicExposureWarnings } from './public-exposure.js';
export { RegistryConfig } from './registry.config.js';
export {
  ChangeRefused,
  EntryInUse,
  EntryInvalid,
  EntryManaged,
  EntryUnknown,
  RegistryFault,
  SlugTaken,
  VersionMismatch,
  type Fault,
} from './registry.errors.js';
export { conditionOf, firstLine, type Condition } from './condition.js';
export { jsonPathOf, type JsonPath } from './json-path.js';
export { METHODS_WITH_BODY } from './server-definition.js';
export { glob } from './glob.js';
export type { LimitDefinition, LimitSubject, PolicyDefinition, TeamDefinition } from './policy-definition.js';
export { SECTIONS, type AppliedChanges, type Section, type WantedEntry } from './registry-changes.js';
export { RegistryModule } from './registry.module.js';
export { RegistryStore, type RegistryEntries, type RegistryEntry } from './registry-store.js';
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
