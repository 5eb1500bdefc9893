import { Module } from '@nestjs/common';
import { configProvider } from '#lib/config';
import { DataFolderConfig } from './data-folder.config.js';
import { DataFolder } from './data-folder.js';

@Module({
  providers: [
    configProvider(DataFolderConfig),
    {
      provide: DataFolder,
      inject: [DataFolderConfig],
      useFactory: (config: DataFolderConfig) => DataFolder.open(config.dataDir),
    },
  ],
  exports: [DataFolder],
})
export class DataFolderModule {}
