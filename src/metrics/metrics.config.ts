import { IsInt, IsOptional, IsString, Max, Min, MinLength } from 'class-validator';
import { Env } from '#lib/config';

/** Metrics in the text format of Prometheus. Without a port and without a token the gateway collects none. */
export class MetricsConfig {
  /**
   * TCP port on which `GET /metrics` answers without authentication; 0 selects a free port. Workers of one process group share
   * it, and each answer is the sum over all of them.
   */
  @Env('ISTHMUS_METRICS_PORT')
  @IsOptional()
  @IsInt()
  @Min(0)
  @Max(65_535)
  readonly port?: number;

  /** Address on which the metrics port listens. With any address other than loopback, other machines can read the metrics. */
  @Env('ISTHMUS_METRICS_HOST')
  @IsString()
  readonly host: string = '127.0.0.1';

  /** Token for `GET /metrics` at the port of the gateway, sent as `Authorization: Bearer`. Without it that path does not exist. */
  @Env('ISTHMUS_METRICS_TOKEN', { secret: true })
  @IsOptional()
  @MinLength(16)
  readonly token?: string;

  get isEnabled(): boolean {
    return this.port !== undefined || this.token !== undefined;
  }
}
