import { Module } from '@nestjs/common';
import { configProvider } from '#lib/config';
import { AuditModule } from '../audit/index.js';
import { AuthModule } from '../auth/index.js';
import { CallsModule } from '../calls/index.js';
import { ConnectionsModule } from '../connections/index.js';
import { CoordinationModule } from '../coordination/index.js';
import { DatabaseModule } from '../database/index.js';
import { DispatchModule } from '../dispatch/index.js';
import { GuardrailsModule } from '../guardrails/index.js';
import { ContributionsModule } from '../extensions/index.js';
import { LifecycleModule } from '../lifecycle/index.js';
import { LimitsModule } from '../limits/index.js';
import { ServerChecksModule } from '../server-checks/index.js';
import { SessionPoolModule } from '../session-pool/index.js';
import { TelemetryModule } from '../telemetry/index.js';
import { TransportModule } from '../transport/index.js';
import { UpstreamModule } from '../upstream/index.js';
import { WorkersModule } from '../workers/index.js';
import { AuditMetrics } from './audit-metrics.js';
import { DependencyGauges } from './dependency-gauges.js';
import { Gauges } from './gauges.js';
import { MetricSources } from './metric-sources.js';
import { Metrics } from './metrics.js';
import { MetricsConfig } from './metrics.config.js';
import { MetricsController } from './metrics.controller.js';
import { MetricsServer } from './metrics-server.js';
import { ProcessGauges } from './process-gauges.js';
import { SessionMetrics } from './session-metrics.js';
import { StoredCounters } from './stored-counters.js';

@Module({
  imports: [
    AuditModule,
    AuthModule,
    CallsModule,
    ConnectionsModule,
    ContributionsModule,
    CoordinationModule,
    DatabaseModule,
    DispatchModule,
    GuardrailsModule,
    LifecycleModule,
    LimitsModule,
    ServerChecksModule,
    SessionPoolModule,
    TelemetryModule,
    TransportModule,
    UpstreamModule,
    WorkersModule,
  ],
  controllers: [MetricsController],
  providers: [
    configProvider(MetricsConfig),
    Gauges,
    DependencyGauges,
    AuditMetrics,
    StoredCounters,
    SessionMetrics,
    ProcessGauges,
    MetricSources,
    Metrics,
    MetricsServer,
  ],
})
export class MetricsModule {}
