import { Module } from '@nestjs/common';
import { MembershipsModule } from '../memberships/index.js';
import { PolicyModule } from '../policy/index.js';
import { RegistryModule } from '../registry/index.js';
import { EndpointDirectory } from './endpoint-directory.js';

@Module({
  imports: [RegistryModule, MembershipsModule, PolicyModule],
  providers: [EndpointDirectory],
  exports: [EndpointDirectory],
})
export class CatalogModule {}
