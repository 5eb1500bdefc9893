import { Module } from '@nestjs/common';
import { configProvider } from '#lib/config';
import { DatabaseModule } from '../database/index.js';
import { TelemetryModule } from '../telemetry/index.js';
import { WorkersModule } from '../workers/index.js';
import { UsageConfig } from './usage.config.js';
import { UsageLog } from './usage-log.js';
import { UsageReport } from './usage-report.js';

@Module({
  imports: [DatabaseModule, TelemetryModule, WorkersModule],
  providers: [configProvider(UsageConfig), UsageLog, UsageReport],
  exports: [UsageReport],
})
export class UsageModule {}
