import { Module } from '@nestjs/common';
import { DatabaseModule } from '../database/index.js';
import { EventsModule } from '../events/index.js';
import { RegistryModule } from '../registry/index.js';
import { Items } from './items.js';

@Module({ imports: [DatabaseModule, EventsModule, RegistryModule], providers: [Items], exports: [Items] })
export class ItemsModule {}
