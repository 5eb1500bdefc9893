export { findAddressFault } from './address-rule.js';
export { checkConfigurationFile, type CheckedConfiguration } from './check-configuration-file.js';
export { ConfigurationFile } from './configuration-file.js';
export { DataFolderSecretStore } from './data-folder-secret-store.js';
export {
  CommonServerEntry,
  GuardrailEntry,
  LimitEntry,
  PolicyEntry,
  RemoteServerEntry,
  RestServerEntry,
  SecretEntry,
  StdioServerEntry,
  TeamEntry,
  VirtualServerEntry,
} from './entries.js';
export {
  classifiedMembersOf,
  isHarmless,
  mapCredentials,
  mapValues,
  selectCredentialMembers,
  type MemberPath,
} from './credentials.js';
export { credentialLifetimeOf, type CredentialLifetime } from './credential-expiry.js';
export { escapeSecretReferences } from './expand-variables.js';
export { publicExposureWarnings } from './public-exposure.js';
export { RegistryConfig } from './registry.config.js';
export {
  ChangeRefused,
  EntryInvalid,
  EntriesUnavailable,
  SecretStoreUnavailable,
  EntryUnknown,
  RegistryFault,
  VersionMismatch,
  type Fault,
} from './registry.errors.js';
export { checkCondition, firstLine, parseCondition, type Condition } from './condition.js';
export { isSettableHeader, isVariableName } from './entry-rules.js';
export { MAX_SCHEMAS_LENGTH, MAX_TOOLS } from './read-tools.js';
export { principalNamesOf } from './principal-names.js';
export { parseJsonPath, type JsonPath } from './json-path.js';
export { kindOf, maximumOf } from './server-definition.js';
export { toServerKinds } from './contributed-kinds.js';
export { ServerKinds, type ServerKind } from './server-kinds.js';
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
export type { GuardrailDefinition, GuardrailMode } from './guardrail-definition.js';
export { KnownChecks } from './known-checks.js';
export { compileGlobs } from '#lib/glob';
export { compileQueryPattern } from './query-pattern.js';
export { compilePublicUriPatterns, compileUriPatterns } from './uri-pattern.js';
export type { LimitDefinition, LimitSubject, PolicyDefinition, TeamDefinition } from './policy-definition.js';
export { SECTIONS, type AppliedChanges, type Section, type DesiredEntry } from './registry-changes.js';
export { RegistryModule } from './registry.module.js';
export { RegistryStore, type RegistryEntries, type RegistryEntry } from './registry-store.js';
export type { SecretDefinition } from './secret-definition.js';
export type {
  CallAuditMode,
  ContributedServer,
  Isolation,
  RemoteServer,
  RestServer,
  ServerDefinition,
  StdioServer,
  VirtualServerDefinition,
} from './server-definition.js';
export { identityOf, slugOfIdentity } from './server-identity.js';
export { ServerRegistry, type RegistrySnapshot } from './server-registry.js';
export { hideOptionSecrets, hideServerSecrets } from './server-secrets.js';
