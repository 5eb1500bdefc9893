import type { IdGenerator } from '@opentelemetry/sdk-trace';
import type { RequestSpan } from './call-tracer.js';
import { isSampled, type TraceParent } from './trace-context.js';
import type { TraceRate } from './trace-rate.js';

/**
 * Decides whether a span is made, before anything is computed for it. A trace is sampled as a whole: its spans follow the decision
 * of the client, or of the rate at which traces may begin here.
 */
export class SpanGate {
  constructor(
    private readonly rate: TraceRate,
    private readonly ids: IdGenerator,
  ) {}

  /** Returns what stands for a span that is not made. Undefined: the span is to be made. */
  skip(parent: TraceParent | undefined): SkippedSpan | undefined {
    if (parent) return isSampled(parent) ? undefined : new SkippedSpan(parent.traceId, parent.spanId);
    if (this.rate.admitsTrace()) return undefined;
    return new SkippedSpan(this.ids.generateTraceId(), this.ids.generateSpanId());
  }
}

/** Carries the context of its trace on, and records nothing. */
class SkippedSpan implements RequestSpan {
  readonly traceparent: string;

  constructor(
    readonly traceId: string,
    spanId: string,
  ) {
    this.traceparent = `00-${traceId}-${spanId}-00`;
  }

  link(): void {
    // The span has no links.
  }

  end(): void {
    // The span is not exported.
  }
}
