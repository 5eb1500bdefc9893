import { Module } from '@nestjs/common';
import { DatabaseModule } from '../database/index.js';
import { RegistryModule } from '../registry/index.js';
import { Items } from './items.js';

@Module({ imports: [DatabaseModule, RegistryModule], providers: [Items], exports: [Items] })
export class ItemsModule {}
