import { join, resolve } from 'node:path';
import { Module } from '@nestjs/common';
import { configProvider, LoadedConfig } from '#lib/config';
import { Database, DatabaseModule } from '../database/index.js';
import { DataFolder, DataFolderModule } from '../data-folder/index.js';
import { builtInVariables } from './built-in-variables.js';
import { ConfigurationFile } from './configuration-file.js';
import { openRegistry, OpenRegistry } from './open-registry.js';
import { RegistryConfig } from './registry.config.js';
import { RegistryStore } from './registry-store.js';
import { ServerRegistry } from './server-registry.js';

/** Uses the configured file, or else the file in the data folder, which the first start creates from the sample. */
async function openConfiguredRegistry(
  config: RegistryConfig,
  folder: DataFolder,
  database: Database,
  loaded?: LoadedConfig,
) {
  return await openRegistry({
    database,
    secrets: folder.secrets,
    file: config.file === undefined ? join(folder.path, 'isthmus.yaml') : resolve(config.file),
    mayBegin: config.file === undefined,
    rules: { mayStartPrograms: config.adminMayStartPrograms },
    variables: { ...loaded?.variables, ...builtInVariables() },
  });
}

@Module({
  imports: [DataFolderModule, DatabaseModule],
  providers: [
    configProvider(RegistryConfig),
    {
      provide: OpenRegistry,
      inject: [RegistryConfig, DataFolder, Database, { token: LoadedConfig, optional: true }],
      useFactory: openConfiguredRegistry,
    },
    { provide: ServerRegistry, inject: [OpenRegistry], useFactory: ({ registry }: OpenRegistry) => registry },
    { provide: ConfigurationFile, inject: [OpenRegistry], useFactory: ({ file }: OpenRegistry) => file },
    { provide: RegistryStore, inject: [OpenRegistry], useFactory: ({ store }: OpenRegistry) => store },
  ],
  exports: [ServerRegistry, ConfigurationFile, RegistryStore],
})
export class RegistryModule {}
