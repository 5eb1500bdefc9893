import { expect, it } from '@jest/globals';
import { PrometheusMeters, renderMetrics } from './prometheus-meters.js';

it('a gauge that cannot be read has no value, and the others have theirs', async () => {
  const meters = new PrometheusMeters();
  let isBroken = false;
  const read = () => (isBroken ? Promise.reject(new Error('no')) : 5);
  meters.observe({ name: 'broken', help: 'h', type: 'gauge', aggregation: 'sum', read });
  meters.observe({ name: 'whole', help: 'h', type: 'gauge', aggregation: 'min', read: () => 7 });
  expect(await renderMetrics(await meters.snapshot())).toMatch(/^broken 5$/m);
  isBroken = true;
  const text = await renderMetrics(await meters.snapshot());
  expect(text).not.toMatch(/^broken \d/m);
  expect(text).toMatch(/^whole 7$/m);
});

it('an observed metric has the values of its last reading only', async () => {
  const meters = new PrometheusMeters();
  let names = ['a', 'b'];
  const read = () => names.map((l) => ({ labels: { l }, value: 3 }));
  meters.observe({ name: 'g', help: 'h', type: 'gauge', aggregation: 'sum', labels: ['l'], read });
  meters.observe({ name: 'c_total', help: 'h', type: 'counter', aggregation: 'sum', labels: ['l'], read });
  await meters.snapshot();
  names = ['b'];
  const values = (await renderMetrics(await meters.snapshot())).split('\n').filter((line) => !line.startsWith('#'));
  expect(values.filter(Boolean)).toEqual(['g{l="b"} 3', 'c_total{l="b"} 3']);
});

it('label values cannot break the format', async () => {
  const meters = new PrometheusMeters();
  meters.counter({ name: 'c', help: 'h', labels: ['l'] }).record({ l: 'a"b\n} 1\\' }, 1);
  expect(await renderMetrics(await meters.snapshot())).toContain('c{l="a\\"b\\n} 1\\\\"} 1');
});
