import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { load } from 'js-yaml';

export const DOCKER = join(import.meta.dirname, '../../docker');
export const RULES = join(DOCKER, 'observability/alerts.yaml');
export const PROMETHEUS = join(DOCKER, 'observability/prometheus.yaml');
const DASHBOARDS = join(DOCKER, 'observability/grafana/dashboards');

interface Alert {
  readonly alert: string;
  readonly expr: string;
  readonly labels: { readonly severity: string };
  readonly annotations: { readonly summary: string; readonly description: string };
}

interface Target {
  readonly expr: string;
  readonly legendFormat?: string;
}

interface Dashboard {
  readonly panels: readonly { readonly title: string; readonly targets?: readonly Target[] }[];
  readonly templating: { readonly list: readonly { readonly name: string; readonly query: unknown }[] };
}

export const readYaml = (file: string): unknown => load(readFileSync(file, 'utf8'));

export function readAlerts(): readonly Alert[] {
  const { groups } = readYaml(RULES) as { groups: readonly { readonly rules: readonly Alert[] }[] };
  return groups.flatMap(({ rules }) => rules);
}

export const readDashboards = (): readonly Dashboard[] =>
  readdirSync(DASHBOARDS).map((file) => JSON.parse(readFileSync(join(DASHBOARDS, file), 'utf8')) as Dashboard);

export const targetsOf = ({ panels }: Dashboard): readonly Target[] => panels.flatMap(({ targets = [] }) => targets);

/** The expression as Grafana sends it when no server is selected. */
export const withVariables = (expr: string): string =>
  expr.replaceAll('$__rate_interval', '1m').replaceAll('"$server"', '".*"');
