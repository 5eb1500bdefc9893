import { Injectable, Logger } from '@nestjs/common';
import { Clock } from '#lib/time';
import { WorkerId } from '../workers/index.js';
import type { CallRecord, CallRecordSink } from './call-record.js';
import { CallTracer } from './tracing/index.js';
import { TrackedCall, type CallStart, type RecordingWorker } from './tracked-call.js';

/** Tracks the requests of clients, and passes the record of each to every sink. */
@Injectable()
export class CallRecorder {
  private readonly logger = new Logger(CallRecorder.name);
  private readonly sinks: CallRecordSink[] = [];
  private readonly worker: RecordingWorker;
  private findDetail: ((server: string) => string | undefined) | undefined;

  constructor(
    workerId: WorkerId,
    private readonly clock: Clock,
    tracer: CallTracer,
  ) {
    this.worker = {
      id: workerId.text,
      clock,
      tracer,
      deliver: (record) => this.deliver(record),
      findDetail: (server) => this.findDetail?.(server),
    };
  }

  /** Sets where the details of failures of servers are found. The health of servers is a folder above. */
  findDetailsWith(findDetail: (server: string) => string | undefined): void {
    this.findDetail = findDetail;
  }

  /** Adds a sink, at the start of the gateway. */
  addSink(sink: CallRecordSink): void {
    this.sinks.push(sink);
  }

  /** Begins a request. Its record is made when the returned call ends. */
  begin(start: CallStart): TrackedCall {
    return new TrackedCall(start, this.worker);
  }

  /** The monotonic time, in milliseconds, for `CallStart.receivedAt`. */
  now(): number {
    return this.clock.monotonicNow();
  }

  private deliver(record: CallRecord): void {
    for (const sink of this.sinks) {
      try {
        sink.record(record);
      } catch (cause) {
        this.logger.error('A sink of call records failed', cause instanceof Error ? cause.stack : String(cause));
      }
    }
  }
}
