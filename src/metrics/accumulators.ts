import type { MetricSnapshot } from '#lib/metric-snapshots';
import type { Labels, Meter, MeterDescription, Series } from './meters.js';

export type Metric = MetricSnapshot[number];
type Sample = Metric['values'][number];

/** Keeps the values of one metric in plain numbers, until they are collected (decision 66). */
abstract class Accumulator<S extends Series> implements Meter {
  private readonly known = new Map<string, { readonly labels: Labels; readonly series: S }>();

  constructor(
    protected readonly description: MeterDescription,
    private readonly create: () => S,
  ) {
    // A metric without labels has a value before anything was recorded.
    if (description.labels.length === 0) this.series({});
  }

  series(labels: Labels): S {
    const own = this.description.labels.map((name) => [name, labels[name] ?? ''] as const);
    const key = JSON.stringify(own);
    const known = this.known.get(key) ?? { labels: Object.fromEntries(own), series: this.create() };
    this.known.set(key, known);
    return known.series;
  }

  record(labels: Labels, value: number): void {
    this.series(labels).record(value);
  }

  toMetric(): Metric {
    const { name, help } = this.description;
    const samples = Array.from(this.known.values(), ({ labels, series }) => this.toSamples(labels, series));
    return { name, help, type: this.type, aggregator: 'sum', values: samples.flat() };
  }

  protected abstract readonly type: 'counter' | 'histogram';
  protected abstract toSamples(labels: Labels, series: S): Sample[];
}

class Count implements Series {
  value = 0;

  record(value: number): void {
    this.value += value;
  }
}

export class CounterAccumulator extends Accumulator<Count> {
  protected readonly type = 'counter';

  constructor(description: MeterDescription) {
    super(description, () => new Count());
  }

  protected toSamples(labels: Labels, { value }: Count): Sample[] {
    return [{ value, labels }];
  }
}

class Distribution implements Series {
  /** Number of values in each bucket, without those in lower ones. The last bucket has no upper bound. */
  readonly counts: number[];
  sum = 0;

  constructor(private readonly bounds: readonly number[]) {
    this.counts = Array.from({ length: bounds.length + 1 }, () => 0);
  }

  record(value: number): void {
    const { bounds, counts } = this;
    let bucket = 0;
    while (bucket < bounds.length && value > (bounds[bucket] ?? Infinity)) bucket += 1;
    counts[bucket] = (counts[bucket] ?? 0) + 1;
    this.sum += value;
  }
}

export class HistogramAccumulator extends Accumulator<Distribution> {
  protected readonly type = 'histogram';

  /** @param bounds upper bounds of the buckets, in ascending order */
  constructor(
    description: MeterDescription,
    private readonly bounds: readonly number[],
  ) {
    super(description, () => new Distribution(bounds));
  }

  /** The buckets of Prometheus are cumulative: each contains the values of those below it. */
  protected toSamples(labels: Labels, { counts, sum }: Distribution): Sample[] {
    const { name } = this.description;
    let count = 0;
    const buckets = counts.map((values, bucket): Sample => {
      count += values;
      return { value: count, labels: { le: this.bounds[bucket] ?? '+Inf', ...labels }, metricName: `${name}_bucket` };
    });
    return [
      ...buckets,
      { value: sum, labels, metricName: `${name}_sum` },
      { value: count, labels, metricName: `${name}_count` },
    ];
  }
}
