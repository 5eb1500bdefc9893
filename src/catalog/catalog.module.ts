import { Module } from '@nestjs/common';
import { configProvider } from '#lib/config';
import { MembershipsModule } from '../memberships/index.js';
import { PolicyModule } from '../policy/index.js';
import { RegistryModule } from '../registry/index.js';
import { CatalogConfig } from './catalog.config.js';
import { EndpointDirectory } from './endpoint-directory.js';

@Module({
  imports: [RegistryModule, MembershipsModule, PolicyModule],
  providers: [configProvider(CatalogConfig), EndpointDirectory],
  exports: [EndpointDirectory],
})
export class CatalogModule {}
