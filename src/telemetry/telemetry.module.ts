import { Module, type OnApplicationShutdown } from '@nestjs/common';
import { configProvider, LoadedConfig } from '#lib/config';
import { Clock } from '#lib/time';
import { EventsModule } from '../events/index.js';
import { ContributionsModule } from '../extensions/index.js';
import { WorkersModule } from '../workers/index.js';
import { CallLog } from './call-log.js';
import { CallEvents } from './call-events.js';
import { CallRecorder } from './call-recorder.js';
import { ContributedSinks } from './contributed-sinks.js';
import { TelemetryConfig } from './telemetry.config.js';
import { CallTracer, openTracer } from './tracing/index.js';

const callTracer = {
  provide: CallTracer,
  inject: [LoadedConfig, TelemetryConfig, Clock],
  useFactory: ({ variables }: LoadedConfig, { tracesPerSecond }: TelemetryConfig, clock: Clock) =>
    openTracer(variables, tracesPerSecond, clock),
};

@Module({
  imports: [ContributionsModule, EventsModule, WorkersModule],
  providers: [configProvider(TelemetryConfig), CallRecorder, CallEvents, ContributedSinks, callTracer],
  exports: [CallRecorder, CallTracer],
})
export class TelemetryModule implements OnApplicationShutdown {
  constructor(
    recorder: CallRecorder,
    private readonly tracer: CallTracer,
  ) {
    recorder.addSink(new CallLog());
  }

  onApplicationShutdown(): Promise<void> {
    return this.tracer.close();
  }
}
