import { Module } from '@nestjs/common';
import { configProvider } from '#lib/config';
import { AffinityModule } from '../affinity/index.js';
import { CatalogModule } from '../catalog/index.js';
import { ItemsModule } from '../items/index.js';
import { LimitsModule } from '../limits/index.js';
import { SessionPoolModule } from '../session-pool/index.js';
import { SubscriptionsModule } from '../subscriptions/index.js';
import { CallDelivery } from './call-delivery.js';
import { DispatchConfig } from './dispatch.config.js';
import { Dispatcher, METHOD_HANDLERS } from './dispatcher.js';
import { Failures } from './failures.js';
import { DiscoverHandler } from './handlers/discover.handler.js';
import { ItemHandler } from './handlers/item.handler.js';
import { ListHandler } from './handlers/list.handler.js';
import { ListenHandler } from './handlers/listen.handler.js';
import { LogLevelHandler } from './handlers/log-level.handler.js';
import { PingHandler } from './handlers/ping.handler.js';
import { UnknownMethodHandler } from './handlers/unknown-method.handler.js';
import { WatchHandler } from './handlers/watch.handler.js';
import type { MethodHandler } from './inbound.js';
import { ItemNews } from './item-news.js';
import { ListFollowers } from './list-followers.js';
import { Lists } from './lists.js';
import { ServerProfiles } from './server-profiles.js';
import { ToolHeaders } from './tool-headers.js';
import { VisibleLists } from './visible-lists.js';
import { Welcome } from './welcome.js';

const HANDLERS = [ItemHandler, ListHandler, DiscoverHandler, ListenHandler, LogLevelHandler, WatchHandler, PingHandler];

const handlerTable = {
  provide: METHOD_HANDLERS,
  inject: HANDLERS,
  useFactory: (...handlers: MethodHandler[]) => handlers,
};

@Module({
  imports: [AffinityModule, CatalogModule, LimitsModule, ItemsModule, SessionPoolModule, SubscriptionsModule],
  providers: [
    configProvider(DispatchConfig),
    ...HANDLERS,
    handlerTable,
    UnknownMethodHandler,
    Failures,
    CallDelivery,
    ServerProfiles,
    ListFollowers,
    Lists,
    VisibleLists,
    ItemNews,
    ToolHeaders,
    Welcome,
    Dispatcher,
  ],
  exports: [Dispatcher, Welcome],
})
export class DispatchModule {}
