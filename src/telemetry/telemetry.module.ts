import { Module, type OnApplicationShutdown } from '@nestjs/common';
import { LoadedConfig } from '#lib/config';
import { WorkersModule } from '../workers/index.js';
import { CallLog } from './call-log.js';
import { CallRecorder } from './call-recorder.js';
import { CallTracer, openTracer } from './tracing/index.js';

const callTracer = {
  provide: CallTracer,
  inject: [LoadedConfig],
  useFactory: ({ variables }: LoadedConfig) => openTracer(variables),
};

@Module({
  imports: [WorkersModule],
  providers: [CallRecorder, callTracer],
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
