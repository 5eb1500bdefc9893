import { Module } from '@nestjs/common';
import { configProvider } from '#lib/config';
import { GatewayConfig } from '../gateway.config.js';
import { DataFolder } from './data-folder.js';

@Module({
  providers: [
    configProvider(GatewayConfig),
    {
      provide: DataFolder,
      inject: [GatewayConfig],
      useFactory: (config: GatewayConfig) => DataFolder.open(config.dataDir),
    },
  ],
  exports: [DataFolder],
})
export class DataFolderModule {}
