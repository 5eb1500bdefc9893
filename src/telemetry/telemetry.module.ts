import { Module } from '@nestjs/common';
import { WorkersModule } from '../workers/index.js';
import { CallLog } from './call-log.js';
import { CallRecorder } from './call-recorder.js';

@Module({
  imports: [WorkersModule],
  providers: [CallRecorder],
  exports: [CallRecorder],
})
export class TelemetryModule {
  constructor(recorder: CallRecorder) {
    recorder.addSink(new CallLog());
  }
}
