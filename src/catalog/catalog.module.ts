import { Module } from '@nestjs/common';
import { RegistryModule } from '../registry/index.js';
import { EndpointDirectory } from './endpoint-directory.js';

@Module({ imports: [RegistryModule], providers: [EndpointDirectory], exports: [EndpointDirectory] })
export class CatalogModule {}
