import { Module } from '@nestjs/common';
import { CatalogModule } from '../catalog/index.js';
import { RegistryModule } from '../registry/index.js';
import { SessionPoolModule } from '../session-pool/index.js';
import { ChangeFeeds } from './change-feeds.js';
import { SessionFeeds } from './session-feeds.js';

@Module({
  imports: [CatalogModule, RegistryModule, SessionPoolModule],
  providers: [ChangeFeeds, SessionFeeds],
  exports: [ChangeFeeds, SessionFeeds],
})
export class SubscriptionsModule {}
