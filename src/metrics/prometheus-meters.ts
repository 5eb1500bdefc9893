import { Counter, Gauge, Histogram, Registry } from '@prometheus-io/client';
import type { MetricSnapshot } from '#lib/metric-snapshots';
import { Meters, type GaugeSource, type Meter } from './meters.js';

type Description = Parameters<Meters['counter']>[0];

/** Metrics of the Prometheus client library, in a registry of their own (decision 54). */
export class PrometheusMeters extends Meters {
  private readonly registry = new Registry();

  counter({ name, help, labels }: Description): Meter {
    const counter = new Counter({ name, help, labelNames: labels, registers: [this.registry] });
    return { record: (values, value) => counter.inc(values, value) };
  }

  histogram({ name, help, labels }: Description, buckets: readonly number[]): Meter {
    const options = { name, help, labelNames: labels, buckets: [...buckets], registers: [this.registry] };
    const histogram = new Histogram(options);
    return { record: (values, value) => histogram.observe(values, value) };
  }

  gauge(source: GaugeSource): void {
    const { name, help, aggregation } = source;
    const gauge: Gauge = new Gauge({
      name,
      help,
      registers: [this.registry],
      aggregator: aggregation,
      collect: async () => {
        try {
          gauge.set(await source.read());
        } catch {
          gauge.remove();
        }
      },
    });
  }

  async snapshot(): Promise<MetricSnapshot> {
    return (await this.registry.getMetricsAsJSON()) as unknown as MetricSnapshot;
  }
}

/** The text format of Prometheus, version 0.0.4. */
export const METRICS_CONTENT_TYPE = Registry.PROMETHEUS_CONTENT_TYPE;

export function renderMetrics(snapshot: MetricSnapshot): Promise<string> {
  return Registry.aggregate([snapshot as never]).metrics();
}
