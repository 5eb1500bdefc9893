import { Module } from '@nestjs/common';
import { configProvider } from '#lib/config';
import { PolicyModule } from '../policy/index.js';
import { RegistryModule } from '../registry/index.js';
import { CatalogConfig } from './catalog.config.js';
import { EndpointDirectory } from './endpoint-directory.js';
import { ListCache } from './list-cache.js';

@Module({
  imports: [RegistryModule, PolicyModule],
  providers: [configProvider(CatalogConfig), EndpointDirectory, ListCache],
  exports: [EndpointDirectory, ListCache],
})
export class CatalogModule {}
