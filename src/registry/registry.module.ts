import { join, resolve } from 'node:path';
import { Module } from '@nestjs/common';
import { AddressGuard } from '#lib/address-guard';
import { configProvider, LoadedConfig } from '#lib/config';
import { Clock } from '#lib/time';
import { Database, DatabaseModule } from '../database/index.js';
import { DataFolder, DataFolderModule } from '../data-folder/index.js';
import { builtInVariables } from './built-in-variables.js';
import { ConfigurationFile } from './configuration-file.js';
import { openRegistry, RegistryComponents } from './open-registry.js';
import { RegistryConfig } from './registry.config.js';
import { RegistryStore } from './registry-store.js';
import { ServerRegistry } from './server-registry.js';

/** Uses the configured file, or else the file in the data folder, which the first start creates from the sample. */
async function openConfiguredRegistry(
  config: RegistryConfig,
  folder: DataFolder,
  database: Database,
  clock: Clock,
  addresses: AddressGuard,
  loaded?: LoadedConfig,
) {
  return await openRegistry({
    database,
    clock,
    secrets: folder.secrets,
    file: config.file === undefined ? join(folder.path, 'isthmus.yaml') : resolve(config.file),
    createSampleIfMissing: config.file === undefined,
    rules: { mayStartPrograms: config.adminMayStartPrograms, addresses },
    variables: { ...loaded?.variables, ...builtInVariables() },
  });
}

@Module({
  imports: [DataFolderModule, DatabaseModule],
  providers: [
    configProvider(RegistryConfig),
    {
      provide: AddressGuard,
      inject: [RegistryConfig],
      useFactory: ({ allowedNetworks }: RegistryConfig) => new AddressGuard(allowedNetworks),
    },
    {
      provide: RegistryComponents,
      inject: [RegistryConfig, DataFolder, Database, Clock, AddressGuard, { token: LoadedConfig, optional: true }],
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
  exports: [AddressGuard, ServerRegistry, ConfigurationFile, RegistryStore],
})
export class RegistryModule {}
