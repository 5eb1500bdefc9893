import { expect, it } from '@jest/globals';
import { PrometheusMeters, renderMetrics } from './prometheus-meters.js';

it('a gauge that cannot be read has no value, and the others have theirs', async () => {
  const meters = new PrometheusMeters();
  let isBroken = false;
  const read = () => (isBroken ? Promise.reject(new Error('no')) : 5);
  meters.gauge({ name: 'broken', help: 'h', aggregation: 'sum', read });
  meters.gauge({ name: 'whole', help: 'h', aggregation: 'min', read: () => 7 });
  expect(await renderMetrics(await meters.snapshot())).toMatch(/^broken 5$/m);
  isBroken = true;
  const text = await renderMetrics(await meters.snapshot());
  expect(text).not.toMatch(/^broken \d/m);
  expect(text).toMatch(/^whole 7$/m);
});

it('label values cannot break the format', async () => {
  const meters = new PrometheusMeters();
  meters.counter({ name: 'c', help: 'h', labels: ['l'] }).record({ l: 'a"b\n} 1\\' }, 1);
  expect(await renderMetrics(await meters.snapshot())).toContain('c{l="a\\"b\\n} 1\\\\"} 1');
});
