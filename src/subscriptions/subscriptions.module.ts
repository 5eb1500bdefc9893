import { Module } from '@nestjs/common';
import { CatalogModule } from '../catalog/index.js';
import { RegistryModule } from '../registry/index.js';
import { SessionPoolModule } from '../session-pool/index.js';
import { ChangeFeeds } from './change-feeds.js';
import { ListViewsSeat } from './list-views.js';
import { SessionFeeds } from './session-feeds.js';

@Module({
  imports: [CatalogModule, RegistryModule, SessionPoolModule],
  providers: [ChangeFeeds, ListViewsSeat, SessionFeeds],
  exports: [ChangeFeeds, ListViewsSeat, SessionFeeds],
})
export class SubscriptionsModule {}
