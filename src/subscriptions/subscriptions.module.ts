import { Module } from '@nestjs/common';
import { CatalogModule } from '../catalog/index.js';
import { RegistryModule } from '../registry/index.js';
import { ConnectionsModule } from '../connections/index.js';
import { ServerSubscriptions } from './server-subscriptions.js';
import { DeferredListViews } from './list-views.js';
import { SessionSubscriptions } from './session-subscriptions.js';

@Module({
  imports: [CatalogModule, RegistryModule, ConnectionsModule],
  providers: [ServerSubscriptions, DeferredListViews, SessionSubscriptions],
  exports: [ServerSubscriptions, DeferredListViews, SessionSubscriptions],
})
export class SubscriptionsModule {}
