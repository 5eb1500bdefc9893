import { Module } from '@nestjs/common';
import { configProvider } from '#lib/config';
import { AuditModule } from '../audit/index.js';
import { CallsModule, UpstreamCalls } from '../calls/index.js';
import { CatalogModule } from '../catalog/index.js';
import { ContributionsModule, ExtensionsConfig } from '../extensions/index.js';
import { GateModule } from '../gate/index.js';
import { ItemsModule } from '../items/index.js';
import { LimitsModule } from '../limits/index.js';
import { RegistryModule } from '../registry/index.js';
import { ConnectionsModule, ServerHealth } from '../connections/index.js';
import { CallRecorder, TelemetryModule } from '../telemetry/index.js';
import { DeferredListViews, SubscriptionsModule } from '../subscriptions/index.js';
import { AnswerPublisher } from './answer-publisher.js';
import { CallDelivery } from './call-delivery.js';
import { DispatchConfig } from './dispatch.config.js';
import { ClientNotifications } from './client-notifications.js';
import { ContributedMethods } from './contributed-methods.js';
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
import { LIST_PROVIDERS, ListCache, VisibleLists } from './lists/index.js';
import { NameLoader } from './name-loader.js';
import { Readmission } from './readmission.js';
import { RecordedAnswers } from './recorded-answers.js';
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
    AuditModule,
    CallsModule,
    CatalogModule,
    ContributionsModule,
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
    configProvider(ExtensionsConfig),
    ContributedMethods,
    UnknownMethodHandler,
    FailureReporter,
    CallDelivery,
    ServerProfiles,
    ...LIST_PROVIDERS,
    ToolHeaders,
    NameLoader,
    AnswerPublisher,
    RecordedAnswers,
    Readmission,
    EndpointInfo,
    Dispatcher,
    ClientNotifications,
  ],
  exports: [Dispatcher, ClientNotifications, EndpointInfo, ListCache, Readmission],
})
export class DispatchModule {
  /** The subscriptions, a folder below, see through the views of this folder what their subscribers see. */
  constructor(
    deferredViews: DeferredListViews,
    views: VisibleLists,
    recorder: CallRecorder,
    health: ServerHealth,
    calls: UpstreamCalls,
    recorded: RecordedAnswers,
  ) {
    deferredViews.bind(views);
    calls.recordAnswersAs((call, session, outcome) => recorded.toRecorded(call, session, outcome));
    recorder.findDetailsWith((server, since) => health.detailSince(server, since));
  }
}
