import { Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import type { CallRecord } from '#lib/extension-kit';
import { GatewayEvents } from '../events/index.js';
import { CallRecorder } from './call-recorder.js';
import { toFrozenRecord } from './contributed-sinks.js';
import { TelemetrySink } from './telemetry-sink.js';

/** Emits `call.ended` with the record of each request, if anybody listens. */
@Injectable()
export class CallEvents extends TelemetrySink implements OnApplicationBootstrap {
  constructor(
    private readonly events: GatewayEvents,
    private readonly recorder: CallRecorder,
  ) {
    super();
  }

  /** All listeners of extensions are known by now. Without any, no call pays for the event. */
  onApplicationBootstrap(): void {
    if (this.events.isHeard('call.ended')) this.recorder.addSink(this);
  }

  record(record: CallRecord): void {
    this.events.emit('call.ended', { occurrence: record.requestId, quietMs: 0, data: toFrozenRecord(record) });
  }
}
