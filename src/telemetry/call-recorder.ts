import { Injectable, Logger } from '@nestjs/common';
import type { CallRecord } from '#lib/extension-kit';
import { Clock } from '#lib/time';
import { WorkerId } from '../workers/index.js';
import type { CallOrigin, TelemetrySink } from './telemetry-sink.js';
import { SessionFingerprints } from './session-fingerprints.js';
import { CallTracer } from './tracing/index.js';
import { TrackedCall, type CallStart, type FindDetail, type RecordingWorker } from './tracked-call.js';

/** Tracks the requests of clients, and passes the record of each to every sink. */
@Injectable()
export class CallRecorder {
  private readonly logger = new Logger(CallRecorder.name);
  private sinks: readonly TelemetrySink[] = [];
  private readonly worker: RecordingWorker;
  private findDetail: FindDetail | undefined;

  constructor(
    workerId: WorkerId,
    private readonly clock: Clock,
    tracer: CallTracer,
  ) {
    this.worker = {
      id: workerId.text,
      clock,
      tracer,
      fingerprints: new SessionFingerprints(),
      deliver: (record, origin) => this.deliver(record, origin),
      findDetail: (server, since) => this.findDetail?.(server, since),
    };
  }

  /** Sets where the details of failures of servers are found. The health of servers is a folder above. */
  findDetailsWith(findDetail: FindDetail): void {
    this.findDetail = findDetail;
  }

  /** Adds a sink. Returns a function that removes it. */
  addSink(sink: TelemetrySink): () => void {
    this.sinks = [...this.sinks, sink];
    return () => {
      this.sinks = this.sinks.filter((each) => each !== sink);
    };
  }

  /** Begins a request. Its record is made when the returned call ends. */
  begin(start: CallStart): TrackedCall {
    return new TrackedCall(start, this.worker);
  }

  /** The monotonic time, in milliseconds, for `CallStart.receivedAt`. */
  now(): number {
    return this.clock.monotonicNow();
  }

  private deliver(record: CallRecord, origin: CallOrigin): void {
    for (const sink of this.sinks) {
      try {
        sink.record(record, origin);
      } catch (cause) {
        this.logger.error('A sink of call records failed', cause instanceof Error ? cause.stack : String(cause));
      }
    }
  }
}
