import { Module } from '@nestjs/common';
import { configProvider } from '#lib/config';
import { ContributionsModule } from '../extensions/index.js';
import { MembershipsModule } from '../memberships/index.js';
import { PolicyModule } from '../policy/index.js';
import { RegistryModule } from '../registry/index.js';
import { CatalogConfig } from './catalog.config.js';
import { ListFilters } from './list-filters.js';
import { EndpointDirectory } from './endpoint-directory.js';

@Module({
  imports: [ContributionsModule, RegistryModule, MembershipsModule, PolicyModule],
  providers: [configProvider(CatalogConfig), EndpointDirectory, ListFilters],
  exports: [EndpointDirectory],
})
export class CatalogModule {}
