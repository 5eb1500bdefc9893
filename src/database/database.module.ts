import { Module } from '@nestjs/common';
import { configProvider } from '#lib/config';
import { DataFolder, DataFolderModule } from '../data-folder/index.js';
import { DatabaseConfig } from './database.config.js';
import { Database } from './database.js';
import { openDatabase } from './open-database.js';

@Module({
  imports: [DataFolderModule],
  providers: [
    configProvider(DatabaseConfig),
    {
      provide: Database,
      inject: [DatabaseConfig, DataFolder],
      useFactory: (config: DatabaseConfig, folder: DataFolder) => openDatabase(config.placeIn(folder.path)),
    },
  ],
  exports: [Database],
})
export class DatabaseModule {}
