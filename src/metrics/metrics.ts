import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { CallRecorder } from '../telemetry/index.js';
import { CallMetrics } from './call-metrics.js';
import type { RegisteredMetric } from './meters.js';
import { MetricsConfig } from './metrics.config.js';
import { MetricsGroup } from './metrics-group.js';
import { MetricSources } from './metric-sources.js';
import { PrometheusMeters, renderMetrics } from './prometheus-meters.js';

/** The metrics of this gateway. Nothing is collected unless they can be read. */
@Injectable()
export class Metrics implements OnApplicationShutdown {
  private readonly meters = new PrometheusMeters();
  private readonly group: MetricsGroup | undefined;

  constructor(recorder: CallRecorder, sources: MetricSources, config: MetricsConfig) {
    if (!config.isEnabled) return;
    this.group = new MetricsGroup(this.meters);
    recorder.addSink(new CallMetrics(this.meters));
    sources.register(this.meters);
  }

  onApplicationShutdown(): void {
    this.group?.close();
  }

  /** Every metric that this gateway collects. */
  get registered(): readonly RegisteredMetric[] {
    return this.meters.registered;
  }

  /** The metrics of all workers of the process group, in the text format of Prometheus. */
  async render(): Promise<string> {
    if (!this.group) throw new Error('The gateway collects no metrics.');
    return renderMetrics(await this.group.collect());
  }
}
