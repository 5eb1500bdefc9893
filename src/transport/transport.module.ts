import { Module } from '@nestjs/common';
import { configProvider } from '#lib/config';
import { AffinityModule } from '../affinity/index.js';
import { AuditModule } from '../audit/index.js';
import { AuthModule } from '../auth/index.js';
import { CatalogModule } from '../catalog/index.js';
import { ClientAddressModule } from '../client-address/index.js';
import { DispatchModule } from '../dispatch/index.js';
import { GatewayConfig } from '../gateway.config.js';
import { LifecycleModule } from '../lifecycle/index.js';
import { PageSessionsModule } from '../page-sessions/index.js';
import { TelemetryModule } from '../telemetry/index.js';
import { Admission } from './admission.js';
import { LegacyExchange } from './exchanges/legacy.exchange.js';
import { ModernExchange } from './exchanges/modern.exchange.js';
import { PlainExchange } from './exchanges/plain.exchange.js';
import { SseExchange } from './exchanges/sse.exchange.js';
import { McpEndpoints } from './mcp-endpoints.js';
import { McpRoutes } from './mcp-routes.js';
import { OriginConfig } from './origin.config.js';
import { OriginGuard } from './origin-guard.js';
import { IdleConnectionCloser } from './idle-connection-closer.js';
import { HostCheck } from './edge/index.js';
import { RefusalRecorder } from './refusal-recorder.js';
import { RequestRecords } from './request-records.js';
import { SseInboxController } from './sse-inbox.controller.js';
import { OpenReplies } from './open-replies.js';
import { StreamExpiry } from './stream-expiry.js';
import { TransportConfig } from './transport.config.js';

@Module({
  imports: [
    LifecycleModule,
    PageSessionsModule,
    AuditModule,
    AuthModule,
    ClientAddressModule,
    CatalogModule,
    DispatchModule,
    AffinityModule,
    TelemetryModule,
  ],
  controllers: [SseInboxController],
  providers: [
    configProvider(GatewayConfig),
    configProvider(OriginConfig),
    configProvider(TransportConfig),
    OriginGuard,
    HostCheck,
    Admission,
    RefusalRecorder,
    RequestRecords,
    IdleConnectionCloser,
    OpenReplies,
    StreamExpiry,
    ModernExchange,
    LegacyExchange,
    SseExchange,
    PlainExchange,
    McpEndpoints,
    McpRoutes,
  ],
  exports: [OpenReplies],
})
export class TransportModule {}
