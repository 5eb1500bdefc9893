export { findAddressFault } from './address-rule.js';
export { ConfigurationFile } from './configuration-file.js';
export {
  LimitEntry,
  PolicyEntry,
  RemoteServerEntry,
  RestServerEntry,
  SecretEntry,
  StdioServerEntry,
  TeamEntry,
  VirtualServerEntry,
} from './entries.js';
export { isHarmless, mapCredentials, selectCredentialMembers, type MemberPath } from './credentials.js';
export { publicExposureWarnings } from './public-exposure.js';
export { RegistryConfig } from './registry.config.js';
export {
  ChangeRefused,
  EntryInvalid,
  EntryUnknown,
  RegistryFault,
  VersionMismatch,
  type Fault,
} from './registry.errors.js';
export { parseCondition, firstLine, type Condition } from './condition.js';
export { isSettableHeader } from './entry-rules.js';
export { MAX_SCHEMAS_LENGTH, MAX_TOOLS } from './read-tools.js';
export { principalNamesOf } from './principal-names.js';
export { parseJsonPath, type JsonPath } from './json-path.js';
export { maximumOf } from './server-definition.js';
export {
  METHODS_WITH_BODY,
  STYLES_OF_PLACE,
  type FormField,
  type ParameterPlace,
  type ParameterStyle,
  type RestParameter,
  type RestRequestBody,
  type RestTool,
  type ValueStyle,
} from './rest-tool.js';
export { compileGlob } from './glob.js';
export { compilePublicUriPatterns, compileUriPatterns } from './uri-pattern.js';
export type { LimitDefinition, LimitSubject, PolicyDefinition, TeamDefinition } from './policy-definition.js';
export { SECTIONS, type AppliedChanges, type Section, type DesiredEntry } from './registry-changes.js';
export { RegistryModule } from './registry.module.js';
export { RegistryStore, type RegistryEntries, type RegistryEntry } from './registry-store.js';
export type { SecretDefinition } from './secret-definition.js';
export type {
  Isolation,
  RemoteServer,
  RestServer,
  ServerDefinition,
  StdioServer,
  VirtualServerDefinition,
} from './server-definition.js';
export { identityOf, slugOfIdentity } from './server-identity.js';
export { ServerRegistry, type RegistrySnapshot } from './server-registry.js';
