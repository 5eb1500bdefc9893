/** One value, with its labels and, within a histogram, its own name. */
export interface Sample {
  readonly value: number;
  readonly labels: Readonly<Record<string, string | number>>;
  readonly metricName?: string;
}

/** How the values of several processes become one. */
export type Aggregation = 'sum' | 'min' | 'max';

export interface Metric {
  readonly name: string;
  readonly help: string;
  readonly type: string;
  readonly aggregator?: Aggregation;
  readonly values: readonly Sample[];
}

/** All metrics of a process at one moment. */
export type MetricSnapshot = readonly Metric[];

/** Metrics that count events since the start of the process. The others describe its present state. */
const COUNTING_TYPES: ReadonlySet<string> = new Set(['counter', 'histogram']);

/** Returns the snapshot in a message of another process, or undefined for anything else. */
export function readSnapshot(value: unknown): MetricSnapshot | undefined {
  return Array.isArray(value) && value.every(isMetric) ? value : undefined;
}

/** Combines the snapshots of several processes: metrics of the same name, samples with the same labels. */
export function sumSnapshots(snapshots: readonly MetricSnapshot[]): MetricSnapshot {
  const metrics = new Map<string, { metric: Metric; samples: Map<string, Sample> }>();
  for (const metric of snapshots.flat()) {
    const known = metrics.get(metric.name) ?? { metric, samples: new Map<string, Sample>() };
    metrics.set(metric.name, known);
    for (const sample of metric.values) {
      const key = toSampleKey(sample);
      const before = known.samples.get(key);
      known.samples.set(key, before ? combine(metric.aggregator ?? 'sum', before, sample) : sample);
    }
  }
  return Array.from(metrics.values(), ({ metric, samples }) => ({ ...metric, values: [...samples.values()] }));
}

/** What remains of a process that has exited: its counts, without its state. */
export const keepCounters = (snapshot: MetricSnapshot): MetricSnapshot =>
  snapshot.filter(({ type }) => COUNTING_TYPES.has(type));

function combine(aggregation: Aggregation, before: Sample, next: Sample): Sample {
  const values = [before.value, next.value] as const;
  if (aggregation === 'sum') return { ...before, value: before.value + next.value };
  return { ...before, value: aggregation === 'min' ? Math.min(...values) : Math.max(...values) };
}

function toSampleKey({ labels, metricName = '' }: Sample): string {
  const names = Object.keys(labels).toSorted();
  return JSON.stringify([metricName, ...names.map((name) => [name, String(labels[name])])]);
}

function isMetric(value: unknown): value is Metric {
  if (typeof value !== 'object' || value === null) return false;
  const { name, type, values } = value as Record<string, unknown>;
  return typeof name === 'string' && typeof type === 'string' && Array.isArray(values);
}
