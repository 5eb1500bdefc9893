import { IsNumber, Max, Min } from 'class-validator';
import { Env } from '#lib/config';

/** Traces. Where they are exported to is set by OpenTelemetry's own variables (docs/operating.md). */
export class TelemetryConfig {
  /**
   * How many traces may begin at a worker in a second, so that tracing stays cheap under load. More are not exported. Applies if
   * `OTEL_TRACES_SAMPLER` is not set; requests that belong to a trace of their client follow its decision.
   */
  @Env('ISTHMUS_TRACES_PER_SECOND')
  @IsNumber()
  @Min(0.01)
  @Max(100_000)
  readonly tracesPerSecond: number = 100;
}
