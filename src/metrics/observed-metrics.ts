import type { Observation, ObservedMetric } from './meters.js';

type Read = ObservedMetric['read'];
type LabelledRead = () => Promise<readonly Observation[]>;

export const sum = (name: string, help: string, read: Read): ObservedMetric => gauge(name, help, 'sum', read);
export const min = (name: string, help: string, read: Read): ObservedMetric => gauge(name, help, 'min', read);
export const max = (name: string, help: string, read: Read): ObservedMetric => gauge(name, help, 'max', read);

/** A gauge whose lowest value over all workers counts. */
export const minBy = (label: string, name: string, help: string, read: LabelledRead): ObservedMetric => ({
  ...min(name, help, read),
  labels: [label],
});

export const counter = (name: string, help: string, read: Read, labels?: readonly string[]): ObservedMetric => ({
  name,
  help,
  type: 'counter',
  aggregation: 'sum',
  read,
  ...(labels && { labels }),
});

const gauge = (name: string, help: string, aggregation: ObservedMetric['aggregation'], read: Read): ObservedMetric => ({
  name,
  help,
  type: 'gauge',
  aggregation,
  read,
});
