import type { RegisteredMetric } from '../../src/metrics/testing.js';

const METRIC = /\b(?:isthmus|mcp|process|nodejs)_[a-z\d_]+/g;
/** A metric with its matchers in braces. */
const SELECTOR = /\b((?:isthmus|mcp|process|nodejs)_[a-z\d_]+)(?:\{([^}]*)\})?/g;
const MATCHER = /(\w+)\s*(?:=~|!~|!=|=)\s*"([^"]*)"/g;
const GROUPING = /\b(?:by|without)\s*\(([^)]*)\)/g;
const HISTOGRAM_PART = /_(?:bucket|sum|count)$/;
/** Labels that Prometheus adds, and the one of the parts of histograms. */
const COMMON_LABELS = ['instance', 'job', 'le'];

export type KnownMetrics = ReadonlyMap<string, RegisteredMetric>;

/** The names of metrics in a text that the gateway does not have. A label may begin like a metric. */
export function unknownMetrics(text: string, known: KnownMetrics): string[] {
  const labels = new Set([...known.values()].flatMap((metric) => metric.labels));
  return (text.match(METRIC) ?? []).filter((name) => !find(name, known) && !labels.has(name));
}

/** The labels in an expression or a legend that the metrics of the expression do not have. */
export function unknownLabels(expr: string, known: KnownMetrics, legend = ''): string[] {
  const all = new Set(COMMON_LABELS);
  const unknown: string[] = [];
  for (const [, name = '', matchers = ''] of expr.matchAll(SELECTOR)) {
    const own = [...(find(name, known)?.labels ?? []), ...COMMON_LABELS];
    for (const label of own) all.add(label);
    for (const [, label = ''] of matchers.matchAll(MATCHER))
      if (!own.includes(label)) unknown.push(`${name}{${label}}`);
  }
  const grouped = Array.from(expr.matchAll(GROUPING), ([, labels = '']) => labels.split(',')).flat();
  const shown = Array.from(legend.matchAll(/\{\{\s*(?:\$labels\.)?(\w+)\s*\}\}/g), ([, label = '']) => label);
  return [...unknown, ...[...grouped.map((label) => label.trim()), ...shown].filter((label) => !all.has(label))];
}

/** The values of a label in the matchers of an expression. Alternatives of a regular expression count one by one. */
export const valuesOf = (expr: string, label: string): string[] =>
  Array.from(expr.matchAll(MATCHER))
    .filter(([, name]) => name === label)
    .flatMap(([, , value = '']) => value.split('|'));

function find(name: string, known: KnownMetrics): RegisteredMetric | undefined {
  const whole = known.get(name);
  // A histogram has no series of its own name.
  if (whole) return whole.type === 'histogram' ? undefined : whole;
  const histogram = known.get(name.replace(HISTOGRAM_PART, ''));
  return histogram?.type === 'histogram' ? histogram : undefined;
}
