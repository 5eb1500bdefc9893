import { Module } from '@nestjs/common';
import { ContributionsModule } from '../extensions/index.js';
import { ContributedListeners } from './contributed-listeners.js';
import { GatewayEvents } from './gateway-events.js';

@Module({
  imports: [ContributionsModule],
  providers: [GatewayEvents, ContributedListeners],
  exports: [GatewayEvents],
})
export class EventsModule {}
