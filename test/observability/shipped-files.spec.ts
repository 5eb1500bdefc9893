import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { GatewayCode, RpcCode } from '#lib/mcp-protocol';
import { Metrics } from '../../src/metrics/testing.js';
import { HttpWorld } from '../support/http-world.js';
import { unknownLabels, unknownMetrics, valuesOf, type KnownMetrics } from './queries.js';
import { DOCKER, PROMETHEUS, readAlerts, readDashboards, readYaml, targetsOf } from './shipped-files.js';

const OPERATING = join(import.meta.dirname, '../../docs/operating.md');

let world: HttpWorld;
let known: KnownMetrics;

beforeAll(async () => {
  world = await HttpWorld.open([], { ISTHMUS_METRICS_TOKEN: 'a-token-for-metrics' });
  known = new Map(world.get(Metrics).registered.map((metric) => [metric.name, metric]));
});

afterAll(() => world.close());

describe('the shipped dashboards and alerts', () => {
  it('name only metrics that the gateway has', () => {
    const alerts = readAlerts().map(({ expr, annotations }) => `${expr} ${annotations.description}`);
    const dashboards = readDashboards().map((dashboard) => JSON.stringify(dashboard));
    for (const text of alerts) expect(unknownMetrics(text, known)).toEqual([]);
    for (const text of dashboards) expect(unknownMetrics(text, known)).toEqual([]);
  });

  it('name only labels that these metrics have', () => {
    for (const { expr, annotations } of readAlerts())
      expect(unknownLabels(expr, known, `${annotations.summary} ${annotations.description}`)).toEqual([]);
    for (const { expr, legendFormat } of readDashboards().flatMap(targetsOf))
      expect(unknownLabels(expr, known, legendFormat)).toEqual([]);
  });

  it('compare labels only with values that they can have', () => {
    const codes = Object.keys({ ...RpcCode, ...GatewayCode }).map((name) =>
      name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
    );
    const refusals = [...codes, 'too_many_requests'];
    const values = {
      error_type: ['', 'tool_error', ...refusals],
      reason: refusals,
      outcome: ['executed', 'not_executed', 'unknown'],
      result: ['hit', 'miss'],
    };
    const exprs = [...readAlerts(), ...readDashboards().flatMap(targetsOf)].map(({ expr }) => expr);
    for (const [label, allowed] of Object.entries(values))
      for (const expr of exprs) expect(allowed).toEqual(expect.arrayContaining(valuesOf(expr, label)));
  });

  it('show every metric of the gateway in a panel', () => {
    const shown = readDashboards()
      .flatMap(targetsOf)
      .map(({ expr }) => expr)
      .join(' ');
    expect([...known.keys()].filter((name) => !shown.includes(name))).toEqual([]);
  });

  it('are described in docs/operating.md, each alert with its severity and what to do', () => {
    const rows = readFileSync(OPERATING, 'utf8').matchAll(/^\| `(Isthmus\w+)` *\| (\w+) *\| (.+?) *\| (.+?) *\|$/gm);
    const described = Array.from(rows, ([, alert, severity]) => ({ alert, severity }));
    const shipped = readAlerts().map(({ alert, labels }) => ({ alert, severity: labels.severity }));
    expect(new Set(described)).toEqual(new Set(shipped));
  });

  it('are searched for unknown metrics and labels', () => {
    expect(unknownMetrics('rate(isthmus_nothing_total[1m])', known)).toEqual(['isthmus_nothing_total']);
    expect(unknownMetrics('isthmus_own_duration_seconds', known)).toEqual(['isthmus_own_duration_seconds']);
    expect(unknownLabels('sum by (color) (isthmus_sessions{size="1"})', known, '{{shape}}')).toEqual([
      'isthmus_sessions{size}',
      'color',
      'shape',
    ]);
  });
});

describe('compose.observability.yaml', () => {
  interface Service {
    readonly image?: string;
    readonly volumes?: readonly string[];
    readonly depends_on?: readonly string[];
    readonly environment?: Readonly<Record<string, string>>;
  }
  type PartKind = 'receivers' | 'processors' | 'exporters';
  interface CollectorConfig extends Readonly<Record<PartKind, Readonly<Record<string, unknown>>>> {
    readonly service: { readonly pipelines: { readonly traces: Readonly<Record<PartKind, readonly string[]>> } };
  }
  const readServices = (file: string) =>
    (readYaml(join(DOCKER, file)) as { services: Record<string, Service> }).services;
  const overlay = readServices('compose.observability.yaml');
  const base = readServices('compose.workers.yaml');

  it('adds to the gateways of compose.workers.yaml, and names services and files that exist', () => {
    expect(Object.keys(overlay).filter((name) => name in base)).toEqual(['gateway-1', 'gateway-2']);
    for (const { volumes = [], depends_on: needed = [] } of Object.values(overlay)) {
      for (const name of needed) expect(overlay).toHaveProperty(name);
      const mounted = volumes.filter((volume) => volume.startsWith('./')).map((volume) => volume.split(':')[0] ?? '');
      for (const file of mounted) expect([file, existsSync(join(DOCKER, file))]).toEqual([file, true]);
    }
  });

  it('has Prometheus scrape each gateway by its name, so that one whose container is gone is down', () => {
    const { scrape_configs: jobs } = readYaml(PROMETHEUS) as { scrape_configs: readonly object[] };
    const targets = Object.entries(overlay).flatMap(([name, { environment }]) =>
      environment?.['ISTHMUS_METRICS_PORT'] ? [`${name}:${environment['ISTHMUS_METRICS_PORT']}`] : [],
    );
    expect(jobs).toEqual([{ job_name: 'isthmus', static_configs: [{ targets }] }]);
  });

  it('uses images of one version each, and publishes ports on the loopback address only', () => {
    const text = readFileSync(join(DOCKER, 'compose.observability.yaml'), 'utf8');
    const images = Object.values(overlay).flatMap(({ image }) => image ?? []);
    expect(images).toHaveLength(4);
    for (const image of images) expect(image).toMatch(/:v?\d+\.\d+\.\d+$/);
    for (const [port] of text.matchAll(/'[\d.:]+:\d+'/g)) expect(port).toMatch(/^'127\.0\.0\.1:/);
  });

  it('passes traces from the gateways over the collector to Jaeger', () => {
    // No package of a registry contains the collector, so its configuration is checked in its parts only. That the gateway exports
    // what OpenTelemetry defines is tested against its own protobuf definitions, with the tests of traces.
    const { service, ...parts } = readYaml(join(DOCKER, 'observability/collector.yaml')) as CollectorConfig;
    const { traces } = service.pipelines;
    for (const kind of ['receivers', 'processors', 'exporters'] as const)
      expect(Object.keys(parts[kind])).toEqual(traces[kind]);
    expect(parts.exporters).toMatchObject({ 'otlp/jaeger': { endpoint: 'jaeger:4317' } });
    expect(overlay).toHaveProperty('jaeger');
  });
});
