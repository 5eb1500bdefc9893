import type { Aggregation, MetricSnapshot } from '#lib/metric-snapshots';

export type Labels = Readonly<Record<string, string>>;

/** One series of a metric: its values with the same labels. */
export interface Series {
  /** Adds to a counter, or records a value of a histogram. */
  record(value: number): void;
}

/** Counts events of one kind. */
export interface Meter {
  /** Adds to a counter, or records a value of a histogram. */
  record(labels: Labels, value: number): void;

  /** The series with these labels, for those who record often: finding it costs more than recording. It is part of the metric from now on. */
  series(labels: Labels): Series;
}

/** One value of an observed metric, with its labels. */
export interface Observation {
  readonly labels: Labels;
  readonly value: number;
}

/** A metric whose values are read when the metrics are collected. */
export interface ObservedMetric {
  readonly name: string;
  readonly help: string;
  /** A counter for what has been counted since the start of the process, a gauge for the present state. */
  readonly type: 'gauge' | 'counter';
  /** How the values of several workers become one. */
  readonly aggregation: Aggregation;
  /** Default: none. */
  readonly labels?: readonly string[];
  /** An empty list: the metric has no value now. */
  read(): number | readonly Observation[] | Promise<number | readonly Observation[]>;
}

/** What every metric states about itself, also in docs/metrics.md. */
export interface MeterDescription {
  readonly name: string;
  readonly help: string;
  readonly labels: readonly string[];
}

export interface RegisteredMetric extends MeterDescription {
  readonly type: 'counter' | 'gauge' | 'histogram';
}

/** Creates the metrics of one gateway, and returns their values. A metric name is used once. */
export abstract class Meters {
  /** Every metric that was created, in that order. */
  abstract readonly registered: readonly RegisteredMetric[];

  abstract counter(description: MeterDescription): Meter;

  /** @param buckets upper bounds, in seconds */
  abstract histogram(description: MeterDescription, buckets: readonly number[]): Meter;

  abstract observe(metric: ObservedMetric): void;

  /** A metric that cannot be read has no value in the snapshot. */
  abstract snapshot(): Promise<MetricSnapshot>;
}
