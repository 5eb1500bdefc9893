import { Module } from '@nestjs/common';
import { PolicyModule } from '../policy/index.js';
import { RegistryModule } from '../registry/index.js';
import { EndpointDirectory } from './endpoint-directory.js';

@Module({
  imports: [RegistryModule, PolicyModule],
  providers: [EndpointDirectory],
  exports: [EndpointDirectory],
})
export class CatalogModule {}
