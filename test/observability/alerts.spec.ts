import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { ALERT_CASES, HEALTHY, type AlertCase } from './alert-cases.js';
import { HAS_PROMETHEUS, promtool } from './promtool.js';
import { PROMETHEUS, readAlerts, RULES } from './shipped-files.js';

const alerts = readAlerts();

it('every alert has a case in which it fires', () => {
  expect(ALERT_CASES.map(({ alert }) => alert)).toEqual(alerts.map(({ alert }) => alert));
});

(HAS_PROMETHEUS ? describe : describe.skip)('according to promtool, the shipped', () => {
  it('rules and configuration of Prometheus are valid', () => {
    expect(promtool('check', 'rules', RULES)).toMatchObject({ status: 0 });
    expect(promtool('check', 'config', PROMETHEUS)).toMatchObject({ status: 0 });
  });

  it('alerts fire when they should, say what is wrong, and are quiet while all is well', () => {
    const folder = mkdtempSync(join(tmpdir(), 'isthmus-alerts-'));
    const file = join(folder, 'alerts.test.yaml');
    const tests = [healthy(), ...ALERT_CASES.map(toTest)];
    // JSON is YAML, too.
    writeFileSync(file, JSON.stringify({ rule_files: [RULES], evaluation_interval: '15s', tests }));
    const result = promtool('test', 'rules', file);
    rmSync(folder, { recursive: true });
    expect(result).toMatchObject({ status: 0, output: expect.not.stringContaining('FAILED') });
  });
});

const quiet = (alertname: string, time: string) => ({ alertname, eval_time: time, exp_alerts: [] });

function healthy() {
  const times = ['10m', '30m', '50m'];
  const expectations = alerts.flatMap(({ alert }) => times.map((time) => quiet(alert, time)));
  return { interval: '15s', input_series: HEALTHY, alert_rule_test: expectations };
}

function toTest({ alert, input, quietAt, firesAt, labels, summary }: AlertCase) {
  const rule = alerts.find((known) => known.alert === alert);
  const annotations = { summary, description: rule?.annotations.description };
  const fires = {
    alertname: alert,
    eval_time: firesAt,
    exp_alerts: [{ exp_labels: labels, exp_annotations: annotations }],
  };
  return { interval: '15s', input_series: input, alert_rule_test: [quiet(alert, quietAt), fires] };
}
