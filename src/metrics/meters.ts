import type { Aggregation, MetricSnapshot } from '#lib/metric-snapshots';

export type Labels = Readonly<Record<string, string>>;

/** Counts events of one kind. */
export interface Meter {
  /** Adds to a counter, or records a value of a histogram. */
  record(labels: Labels, value: number): void;
}

/** A value that is read when the metrics are collected. */
export interface GaugeSource {
  readonly name: string;
  readonly help: string;
  /** How the values of several workers become one. */
  readonly aggregation: Aggregation;
  read(): number | Promise<number>;
}

interface MeterDescription {
  readonly name: string;
  readonly help: string;
  readonly labels: readonly string[];
}

/** Creates the metrics of one gateway, and returns their values. A metric name is used once. */
export abstract class Meters {
  abstract counter(description: MeterDescription): Meter;

  /** @param buckets upper bounds, in seconds */
  abstract histogram(description: MeterDescription, buckets: readonly number[]): Meter;

  abstract gauge(source: GaugeSource): void;

  /** A gauge that cannot be read has no value in the snapshot. */
  abstract snapshot(): Promise<MetricSnapshot>;
}
