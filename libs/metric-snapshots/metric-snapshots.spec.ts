import { describe, expect, it } from '@jest/globals';
import { keepCounters, readSnapshot, sumSnapshots, type MetricSnapshot } from './index.js';

type Metric = MetricSnapshot[number];

const counter = (value: number, labels = {}): Metric => ({
  name: 'c',
  help: 'h',
  type: 'counter',
  values: [{ value, labels }],
});
const gauge = (value: number, aggregator?: 'min' | 'max'): Metric => ({
  name: 'g',
  help: 'h',
  type: 'gauge',
  values: [{ value, labels: {} }],
  ...(aggregator && { aggregator }),
});
const valuesOf = (snapshot: MetricSnapshot) => snapshot.flatMap(({ values }) => values.map(({ value }) => value));

describe('the sum of the snapshots of several processes', () => {
  it('adds samples with the same labels, in whatever order the labels are', () => {
    const sum = sumSnapshots([
      [counter(1, { a: 'x', b: 1 })],
      [counter(2, { b: '1', a: 'x' })],
      [counter(4, { a: 'y' })],
    ]);
    expect(valuesOf(sum)).toEqual([3, 4]);
  });

  it('keeps the parts of a histogram apart', () => {
    const part = (metricName: string, value: number) => ({ value, labels: { le: 1 }, metricName });
    const one = { ...counter(0), type: 'histogram', values: [part('h_bucket', 1), part('h_sum', 5)] };
    expect(valuesOf(sumSnapshots([[one], [one]]))).toEqual([2, 10]);
  });

  it('takes the worst value where a sum has no meaning', () => {
    expect(valuesOf(sumSnapshots([[gauge(1, 'min')], [gauge(0, 'min')]]))).toEqual([0]);
    expect(valuesOf(sumSnapshots([[gauge(1, 'max')], [gauge(3, 'max')]]))).toEqual([3]);
    expect(valuesOf(sumSnapshots([[gauge(1)], [gauge(3)]]))).toEqual([4]);
  });
});

it('a process that has exited leaves its counts and no state', () => {
  expect(keepCounters([counter(1), gauge(2)])).toEqual([counter(1)]);
});

it('a message that is no snapshot is not read as one', () => {
  expect(readSnapshot([counter(1)])).toEqual([counter(1)]);
  for (const other of [undefined, null, 'x', {}, [null], [{ name: 1 }], [{ name: 'c', type: 'counter' }]])
    expect(readSnapshot(other)).toBeUndefined();
});
