import { Module } from '@nestjs/common';
import { configProvider } from '#lib/config';
import { CoordinationModule } from '../coordination/index.js';
import { DatabaseModule } from '../database/index.js';
import { LifecycleConfig, LifecycleModule } from '../lifecycle/index.js';
import { WorkersModule } from '../workers/index.js';
import { ReadinessChecks } from './readiness-checks.js';

@Module({
  imports: [CoordinationModule, DatabaseModule, LifecycleModule, WorkersModule],
  providers: [configProvider(LifecycleConfig), ReadinessChecks],
})
export class ReadinessChecksModule {}
