import { Module } from '@nestjs/common';
import { configProvider } from '#lib/config';
import { Clock } from '#lib/time';
import { Drain } from './drain.js';
import { EventLoopDelay } from './event-loop-delay.js';
import { HealthController } from './health.controller.js';
import { LifecycleConfig } from './lifecycle.config.js';
import { Readiness } from './readiness.js';

const eventLoopDelay = {
  provide: EventLoopDelay,
  inject: [Clock],
  useFactory: (clock: Clock) => new EventLoopDelay(clock),
};

@Module({
  controllers: [HealthController],
  providers: [configProvider(LifecycleConfig), eventLoopDelay, Readiness, Drain],
  exports: [EventLoopDelay, Readiness, Drain],
})
export class LifecycleModule {}
