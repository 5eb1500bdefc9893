import { Module } from '@nestjs/common';
import { configProvider } from '#lib/config';
import { Clock } from '#lib/time';
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
      inject: [DatabaseConfig, DataFolder, Clock],
      useFactory: (config: DatabaseConfig, folder: DataFolder, clock: Clock) =>
        openDatabase(config.placeIn(folder.path), clock),
    },
  ],
  exports: [Database],
})
export class DatabaseModule {}
