import { Module } from '@nestjs/common';
import { configProvider } from '#lib/config';
import { CallsModule } from '../calls/index.js';
import { ConnectionsModule } from '../connections/index.js';
import { CoordinationModule } from '../coordination/index.js';
import { DatabaseModule } from '../database/index.js';
import { LifecycleModule } from '../lifecycle/index.js';
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
export class MetricsModule {}
