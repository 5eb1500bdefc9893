import type { Machine } from './machine.js';
import type { SessionMemory } from './session-memory.js';
import type { Verdict } from './targets.js';
import type { Figures } from './throughput.js';

/** Below this share the subject's core was not the bottleneck. */
const SATURATED = 0.9;
/** Above this share other processes on the subject's core distort the figures. */
const DISTURBED = 0.05;

export function describe(machine: Machine): string {
  const packages = Object.entries(machine.packages).map(([name, version]) => `${name} ${version}`);
  return [
    `commit    ${machine.commit}, ${machine.date}`,
    `machine   ${machine.cpu}, ${machine.cores} cores, ${machine.memoryGiB} GiB, ${machine.system}, load ${machine.loadBefore.toFixed(1)}`,
    `versions  Node ${machine.node}, ${packages.join(', ')}`,
    `pinning   ${machine.pinning}`,
  ].join('\n');
}

const COLUMNS = [
  'c',
  'subject',
  'calls/s',
  'of proxy',
  'by CPU',
  'p50 ms',
  'p99 ms',
  'CPU ms/1000',
  'core',
  'errors',
  '',
];

export function throughputTable(figures: readonly Figures[]): string {
  const rows = figures.map((figure) => [
    String(figure.concurrency),
    figure.subject,
    figure.requestsPerSecond.toFixed(0),
    figure.ofBareProxy?.toFixed(2) ?? '',
    figure.ofBareProxyByCpu?.toFixed(2) ?? '',
    figure.p50Ms.toFixed(2),
    figure.p99Ms.toFixed(2),
    figure.cpuMsPer1000.toFixed(1),
    percent(figure.coreShare),
    String(figure.errors),
    remarks(figure),
  ]);
  return [`${figures[0]?.era ?? ''} client, ${figures[0]?.era ?? ''} server`, ...align([COLUMNS, ...rows])].join('\n');
}

/** Names the bottleneck: only a subject whose core was saturated was measured at its maximum. */
function pace({ coreShare, foreignShare, loadShare }: Figures): string {
  if (coreShare >= SATURATED) return 'core full';
  if (coreShare + foreignShare >= SATURATED) return 'core full, NOT by the subject alone';
  return `core NOT full (load generator ${percent(loadShare)})`;
}

function remarks(figure: Figures): string {
  const { concurrency, foreignShare, samples } = figure;
  const notes: string[] = [];
  // With one call at a time every core is idle in between.
  if (concurrency > 1) notes.push(pace(figure));
  if (foreignShare > DISTURBED) notes.push(`others took ${percent(foreignShare)} of the core`);
  if (samples[0] !== undefined) notes.push(`wrong: ${JSON.stringify(samples[0])}`);
  return notes.join('; ');
}

export function memoryLine({ from, to, used, rssPerSession, heapPerSession, after }: SessionMemory): string {
  const kib = (bytes: number): string => `${(bytes / 1_024).toFixed(1)} KiB`;
  return (
    `memory per idle session (${from} → ${to} sessions${used ? ' that made one call each' : ''}, no open stream, after GC): ` +
    `resident ${kib(rssPerSession)}, heap ${kib(heapPerSession)}; the process holds ${(after.rss / 2 ** 20).toFixed(0)} MiB`
  );
}

export function verdictTable(verdicts: readonly Verdict[]): string {
  const rows = verdicts.map(({ kept, what, wanted, measured }) => [kept ? '✓' : '✗', what, measured, wanted]);
  return ['targets', ...align(rows)].join('\n');
}

function percent(share: number): string {
  return `${(share * 100).toFixed(0)} %`;
}

/** Aligns columns; numeric columns are right-aligned. */
function align(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, at) => Math.max(...rows.map((row) => row[at]?.length ?? 0)));
  const isFigures = widths.map((_, at) => rows.slice(1).every((row) => /^[\d.]*( %)?$/.test(row[at] ?? '')));
  const cell = (text: string, at: number): string =>
    isFigures[at] === true ? text.padStart(widths[at] ?? 0) : text.padEnd(widths[at] ?? 0);
  return rows.map((row) => `  ${row.map(cell).join('  ')}`.trimEnd());
}
