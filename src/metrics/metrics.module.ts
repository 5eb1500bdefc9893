import { Module } from '@nestjs/common';
import { configProvider } from '#lib/config';
import { CallsModule } from '../calls/index.js';
import { ConnectionsModule } from '../connections/index.js';
import { Coordination, CoordinationModule } from '../coordination/index.js';
import { DatabaseModule } from '../database/index.js';
import { LifecycleModule, Readiness } from '../lifecycle/index.js';
import { SessionPoolModule } from '../session-pool/index.js';
import { TelemetryModule } from '../telemetry/index.js';
import { Gauges } from './gauges.js';
import { Metrics } from './metrics.js';
import { MetricsConfig } from './metrics.config.js';
import { MetricsController } from './metrics.controller.js';
import { MetricsServer } from './metrics-server.js';

@Module({
  imports: [
    CallsModule,
    ConnectionsModule,
    CoordinationModule,
    DatabaseModule,
    LifecycleModule,
    SessionPoolModule,
    TelemetryModule,
  ],
  controllers: [MetricsController],
  providers: [configProvider(MetricsConfig), Gauges, Metrics, MetricsServer],
})
export class MetricsModule {
  /** Probes name a lost Redis; this folder is above both. */
  constructor({ redis }: Coordination, readiness: Readiness) {
    if (redis) readiness.addPart('redis', () => redis.commands.isReady);
  }
}
