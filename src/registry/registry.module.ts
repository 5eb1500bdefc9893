import { join, resolve } from 'node:path';
import { Module } from '@nestjs/common';
import { AddressGuard } from '#lib/address-guard';
import { configProvider, LoadedConfig } from '#lib/config';
import { GUARDRAIL_CHECKS, SecretStore, UPSTREAM_ADAPTERS } from '#lib/extension-kit';
import { Clock } from '#lib/time';
import { Database, DatabaseModule } from '../database/index.js';
import { DataFolder, DataFolderModule } from '../data-folder/index.js';
import { EventsModule } from '../events/index.js';
import { Contributions, strategyProvider } from '../extensions/index.js';
import { builtInVariables } from './built-in-variables.js';
import { ConfigurationFile } from './configuration-file.js';
import { toServerKinds } from './contributed-kinds.js';
import { DataFolderSecretStore } from './data-folder-secret-store.js';
import { KnownChecks } from './known-checks.js';
import { openRegistry, RegistryComponents } from './open-registry.js';
import { RegistryConfig } from './registry.config.js';
import { RegistryStore } from './registry-store.js';
import { ServerEvents } from './server-events.js';
import { ServerKinds } from './server-kinds.js';
import { ServerRegistry } from './server-registry.js';

/** Uses the configured file, or else the file in the data folder, which the first start creates from the sample. */
async function openConfiguredRegistry(
  config: RegistryConfig,
  folder: DataFolder,
  database: Database,
  clock: Clock,
  addresses: AddressGuard,
  kinds: ServerKinds,
  checks: KnownChecks,
  secretStore: SecretStore,
  loaded?: LoadedConfig,
) {
  return await openRegistry({
    database,
    clock,
    checks,
    secretStore,
    secrets: folder.secrets,
    file: config.file === undefined ? join(folder.path, 'isthmus.yaml') : resolve(config.file),
    createSampleIfMissing: config.file === undefined,
    rules: { mayStartPrograms: config.adminMayStartPrograms, addresses },
    kinds,
    variables: { ...loaded?.variables, ...builtInVariables() },
  });
}

@Module({
  imports: [DataFolderModule, DatabaseModule, EventsModule],
  providers: [
    configProvider(RegistryConfig),
    ServerEvents,
    {
      provide: AddressGuard,
      inject: [RegistryConfig],
      useFactory: ({ allowedNetworks }: RegistryConfig) => new AddressGuard(allowedNetworks),
    },
    {
      provide: ServerKinds,
      inject: [{ token: Contributions, optional: true }],
      useFactory: (contributions?: Contributions) => toServerKinds(contributions?.declared(UPSTREAM_ADAPTERS) ?? []),
    },
    {
      provide: KnownChecks,
      inject: [{ token: Contributions, optional: true }],
      useFactory: (contributions?: Contributions) => new KnownChecks(contributions?.declared(GUARDRAIL_CHECKS) ?? []),
    },
    {
      provide: DataFolderSecretStore,
      inject: [DataFolder],
      useFactory: ({ secrets }: DataFolder) => new DataFolderSecretStore(secrets),
    },
    strategyProvider(SecretStore, DataFolderSecretStore),
    {
      provide: RegistryComponents,
      inject: [
        RegistryConfig,
        DataFolder,
        Database,
        Clock,
        AddressGuard,
        ServerKinds,
        KnownChecks,
        SecretStore,
        { token: LoadedConfig, optional: true },
      ],
      useFactory: openConfiguredRegistry,
    },
    {
      provide: ServerRegistry,
      inject: [RegistryComponents],
      useFactory: ({ registry }: RegistryComponents) => registry,
    },
    { provide: ConfigurationFile, inject: [RegistryComponents], useFactory: ({ file }: RegistryComponents) => file },
    { provide: RegistryStore, inject: [RegistryComponents], useFactory: ({ store }: RegistryComponents) => store },
  ],
  exports: [
    AddressGuard,
    RegistryConfig,
    DataFolderSecretStore,
    KnownChecks,
    ServerKinds,
    ServerRegistry,
    ConfigurationFile,
    RegistryStore,
  ],
})
export class RegistryModule {}
