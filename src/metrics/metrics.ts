import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { CallRecorder } from '../telemetry/index.js';
import { CallMetrics } from './call-metrics.js';
import { Gauges } from './gauges.js';
import { MetricsConfig } from './metrics.config.js';
import { MetricsGroup } from './metrics-group.js';
import { PrometheusMeters, renderMetrics } from './prometheus-meters.js';

/** The metrics of this gateway. Nothing is collected unless they can be read. */
@Injectable()
export class Metrics implements OnApplicationShutdown {
  private readonly group: MetricsGroup | undefined;

  constructor(recorder: CallRecorder, gauges: Gauges, config: MetricsConfig) {
    if (!config.isEnabled) return;
    const meters = new PrometheusMeters();
    this.group = new MetricsGroup(meters);
    recorder.addSink(new CallMetrics(meters));
    gauges.register(meters);
  }

  onApplicationShutdown(): void {
    this.group?.close();
  }

  /** The metrics of all workers of the process group, in the text format of Prometheus. */
  async render(): Promise<string> {
    if (!this.group) throw new Error('The gateway collects no metrics.');
    return renderMetrics(await this.group.collect());
  }
}
