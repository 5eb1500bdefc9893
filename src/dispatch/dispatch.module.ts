import { Module } from '@nestjs/common';
import { configProvider } from '#lib/config';
import { CallsModule } from '../calls/index.js';
import { CatalogModule } from '../catalog/index.js';
import { GateModule } from '../gate/index.js';
import { ItemsModule } from '../items/index.js';
import { LimitsModule } from '../limits/index.js';
import { RegistryModule } from '../registry/index.js';
import { ConnectionsModule, ServerHealth } from '../connections/index.js';
import { CallRecorder, TelemetryModule } from '../telemetry/index.js';
import { DeferredListViews, SubscriptionsModule } from '../subscriptions/index.js';
import { CallDelivery } from './call-delivery.js';
import { DispatchConfig } from './dispatch.config.js';
import { ClientNotifications } from './client-notifications.js';
import { Dispatcher } from './dispatcher.js';
import { FailureReporter } from './failure-reporter.js';
import { DiscoverHandler } from './handlers/discover.handler.js';
import { ItemHandler } from './handlers/item.handler.js';
import { ListHandler } from './handlers/list.handler.js';
import { ListenHandler } from './handlers/listen.handler.js';
import { LogLevelHandler } from './handlers/log-level.handler.js';
import { PingHandler } from './handlers/ping.handler.js';
import { UnknownMethodHandler } from './handlers/unknown-method.handler.js';
import { ResourceSubscriptionHandler } from './handlers/resource-subscription.handler.js';
import { METHOD_HANDLERS, type MethodHandler } from './inbound.js';
import { LIST_PROVIDERS, VisibleLists } from './lists/index.js';
import { NameLoader } from './name-loader.js';
import { ServerProfiles } from './server-profiles.js';
import { ToolHeaders } from './tool-headers.js';
import { EndpointInfo } from './endpoint-info.js';

const HANDLERS = [
  ItemHandler,
  ListHandler,
  DiscoverHandler,
  ListenHandler,
  LogLevelHandler,
  ResourceSubscriptionHandler,
  PingHandler,
];

const handlerTable = {
  provide: METHOD_HANDLERS,
  inject: HANDLERS,
  useFactory: (...handlers: MethodHandler[]) => handlers,
};

@Module({
  imports: [
    CallsModule,
    CatalogModule,
    GateModule,
    ConnectionsModule,
    RegistryModule,
    LimitsModule,
    ItemsModule,
    SubscriptionsModule,
    TelemetryModule,
  ],
  providers: [
    configProvider(DispatchConfig),
    ...HANDLERS,
    handlerTable,
    UnknownMethodHandler,
    FailureReporter,
    CallDelivery,
    ServerProfiles,
    ...LIST_PROVIDERS,
    ToolHeaders,
    NameLoader,
    EndpointInfo,
    Dispatcher,
    ClientNotifications,
  ],
  exports: [Dispatcher, ClientNotifications, EndpointInfo],
})
export class DispatchModule {
  /** The subscriptions, a folder below, see through the views of this folder what their subscribers see. */
  constructor(deferredViews: DeferredListViews, views: VisibleLists, recorder: CallRecorder, health: ServerHealth) {
    deferredViews.bind(views);
    recorder.findDetailsWith((server) => health.get(server).detail);
  }
}
