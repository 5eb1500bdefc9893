import { Counter, Gauge, Registry } from '@prometheus-io/client';
import type { MetricSnapshot } from '#lib/metric-snapshots';
import { CounterAccumulator, HistogramAccumulator, type Metric } from './accumulators.js';
import {
  Meters,
  type Meter,
  type MeterDescription,
  type Observation,
  type ObservedMetric,
  type RegisteredMetric,
} from './meters.js';

/**
 * Metrics for Prometheus. Those that are read when they are collected are in a registry of the Prometheus client library, which
 * also writes the text (decision 54); what is recorded on the path of calls is kept beside it (decision 66).
 */
export class PrometheusMeters extends Meters {
  override readonly registered: RegisteredMetric[] = [];
  private readonly accumulators: { toMetric(): Metric }[] = [];
  private readonly registry = new Registry();

  counter(description: MeterDescription): Meter {
    return this.add(new CounterAccumulator(description), description, 'counter');
  }

  histogram(description: MeterDescription, buckets: readonly number[]): Meter {
    return this.add(new HistogramAccumulator(description, buckets), description, 'histogram');
  }

  observe(metric: ObservedMetric): void {
    const { type, aggregation, labels = [] } = metric;
    const options = { ...this.register({ ...metric, labels }, type), aggregator: aggregation };
    const instrument: Counter<string> | Gauge<string> =
      type === 'counter'
        ? new Counter<string>({ ...options, collect: () => readInto(instrument, metric) })
        : new Gauge<string>({ ...options, collect: () => readInto(instrument, metric) });
  }

  async snapshot(): Promise<MetricSnapshot> {
    const observed = (await this.registry.getMetricsAsJSON()) as unknown as MetricSnapshot;
    return [...this.accumulators.map((accumulator) => accumulator.toMetric()), ...observed];
  }

  private add<M extends Meter & { toMetric(): Metric }>(
    meter: M,
    description: MeterDescription,
    type: RegisteredMetric['type'],
  ): M {
    this.register(description, type);
    this.accumulators.push(meter);
    return meter;
  }

  private register({ name, help, labels }: MeterDescription, type: RegisteredMetric['type']) {
    if (this.registered.some((metric) => metric.name === name)) throw new Error(`The metric ${name} exists.`);
    this.registered.push({ name, help, labels, type });
    return { name, help, labelNames: labels, registers: [this.registry] };
  }
}

/** Replaces the values of the instrument by those of now. */
async function readInto(instrument: Counter<string> | Gauge<string>, metric: ObservedMetric): Promise<void> {
  const observations = await readObservations(metric);
  instrument.reset();
  if (observations.length === 0 && !metric.labels) instrument.remove();
  for (const { labels, value } of observations) instrument.inc(labels, value);
}

async function readObservations(metric: ObservedMetric): Promise<readonly Observation[]> {
  try {
    const value = await metric.read();
    return typeof value === 'number' ? [{ labels: {}, value }] : value;
  } catch {
    return [];
  }
}

/** The text format of Prometheus, version 0.0.4. */
export const METRICS_CONTENT_TYPE = Registry.PROMETHEUS_CONTENT_TYPE;

export function renderMetrics(snapshot: MetricSnapshot): Promise<string> {
  return Registry.aggregate([snapshot as never]).metrics();
}
