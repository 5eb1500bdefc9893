import { join, resolve } from 'node:path';
import { Module } from '@nestjs/common';
import { configProvider, LoadedConfig } from '#lib/config';
import { createOnce, DataFolder, DataFolderModule } from '../data-folder/index.js';
import { builtInVariables } from './built-in-variables.js';
import { FileServerRegistry } from './file-server-registry.js';
import { RegistryConfig } from './registry.config.js';
import { SAMPLE_CONFIGURATION } from './sample-configuration.js';
import { ServerRegistry } from './server-registry.js';

/** Opens the configured file; without one, the file in the data folder, which the first start fills with a sample. */
async function openRegistry(config: RegistryConfig, folder: DataFolder, loaded?: LoadedConfig) {
  const file = config.file === undefined ? join(folder.path, 'isthmus.yaml') : resolve(config.file);
  if (config.file === undefined) await createOnce(file, SAMPLE_CONFIGURATION);
  return FileServerRegistry.open(file, { ...loaded?.variables, ...builtInVariables() });
}

@Module({
  imports: [DataFolderModule],
  providers: [
    configProvider(RegistryConfig),
    {
      provide: FileServerRegistry,
      inject: [RegistryConfig, DataFolder, { token: LoadedConfig, optional: true }],
      useFactory: openRegistry,
    },
    { provide: ServerRegistry, useExisting: FileServerRegistry },
  ],
  exports: [ServerRegistry, FileServerRegistry],
})
export class RegistryModule {}
