import { expect, it } from '@jest/globals';
import { PrometheusMeters, renderMetrics } from './prometheus-meters.js';

const linesOf = async (meters: PrometheusMeters) =>
  (await renderMetrics(await meters.snapshot())).split('\n').filter((line) => line !== '' && !line.startsWith('#'));

it('a histogram counts a value in the first bucket that includes it and in all above', async () => {
  const meters = new PrometheusMeters();
  const histogram = meters.histogram({ name: 'h', help: 'h', labels: ['l'] }, [1, 2.5]);
  for (const value of [1, 1.5, 2.5, 4]) histogram.record({ l: 'x' }, value);
  expect(await linesOf(meters)).toEqual([
    'h_bucket{le="1",l="x"} 1',
    'h_bucket{le="2.5",l="x"} 3',
    'h_bucket{le="+Inf",l="x"} 4',
    'h_sum{l="x"} 9',
    'h_count{l="x"} 4',
  ]);
});

it('a series adds to the values with its labels, in whatever order they are named', async () => {
  const meters = new PrometheusMeters();
  const counter = meters.counter({ name: 'c_total', help: 'h', labels: ['a', 'b'] });
  const series = counter.series({ b: '2', a: '1' });
  series.record(3);
  counter.record({ a: '1', b: '2' }, 4);
  expect(await linesOf(meters)).toEqual(['c_total{a="1",b="2"} 7']);
});

it('a metric without labels has a value before anything was recorded', async () => {
  const meters = new PrometheusMeters();
  meters.counter({ name: 'c_total', help: 'h', labels: [] });
  expect(await linesOf(meters)).toEqual(['c_total 0']);
});

it('a name is used once', () => {
  const meters = new PrometheusMeters();
  meters.counter({ name: 'c_total', help: 'h', labels: [] });
  expect(() => meters.counter({ name: 'c_total', help: 'h', labels: [] })).toThrow('The metric c_total exists.');
});
