import { Module } from '@nestjs/common';
import { configProvider } from '#lib/config';
import { Drain } from './drain.js';
import { HealthController } from './health.controller.js';
import { LifecycleConfig } from './lifecycle.config.js';
import { Readiness } from './readiness.js';

@Module({
  controllers: [HealthController],
  providers: [configProvider(LifecycleConfig), Readiness, Drain],
  exports: [Readiness, Drain],
})
export class LifecycleModule {}
