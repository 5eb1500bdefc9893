import type { LoadOrder } from '../load-orders.js';
import type { Gateways, RunningGateway } from '../gateways.js';
import { CORES, PinnedProcess } from '../pinned-process.js';
import { RECEIVER_ORDER } from '../receiver-orders.js';
import type { Verdict } from '../targets.js';
import { ERAS, HOST } from '../workload.js';
import { comparePair, CONCURRENCY, describeCost, judgeCost, startSubject, type Cost } from './gateway-pair.js';
import type { Study, StudyBench } from './study.js';

const MAX_COST = 0.1;
const TOOL_NAMES = 10_000;
const MAX_GROWTH_BYTES = 2 * 2 ** 20;
const KIB = 1_024;

const RECEIVER = new URL('../otlp-receiver.js', import.meta.url);

/** Measures what logs, metrics and traces cost together, and whether many names of tools use memory. */
export const studyTelemetry: Study = async (bench) => {
  const receiver = new PinnedProcess({ core: CORES.upstream, script: RECEIVER, servesOrders: true });
  const started: Gateways[] = [];
  try {
    const off = await startSubject(bench, started, { ISTHMUS_LOG_LEVEL: 'fatal', ISTHMUS_USAGE_RETENTION: '0s' });
    const endpoint = `http://${HOST}:${await receiver.announcedPort()}`;
    const env = { ISTHMUS_LOG_FORMAT: 'json', ISTHMUS_METRICS_PORT: '0', OTEL_EXPORTER_OTLP_ENDPOINT: endpoint };
    const on = await startSubject(bench, started, env);
    const audited = await startSubject(bench, started, { ...env, ISTHMUS_AUDIT_CALLS: 'all' });
    const costs: Cost[] = [];
    for (const era of ERAS) costs.push(await comparePair(bench, era, { on, off }));
    const auditedCosts: Cost[] = [];
    for (const era of ERAS) auditedCosts.push(await comparePair(bench, era, { on: audited, off }));
    const grown = await measureGrowth(bench, on);
    const received = await receiver.order(RECEIVER_ORDER);
    if (received.bytes === 0) throw new Error('No traces were received.');
    return {
      lines: [
        `telemetry: logs to a file, metrics, usage, and traces over OTLP against nothing, c = ${CONCURRENCY}`,
        ...costs.map(describeCost),
        '  the same, and an audit record of each call',
        ...auditedCosts.map(describeCost),
        `  memory after each quarter of ${grown.calls} calls of ${TOOL_NAMES} tools: ${grown.bytes.map(toMib).join(', ')}`,
        `  received traces: ${received.requests} requests, ${toMib(received.bytes)}`,
      ],
      verdicts: [
        ...costs.map((cost) => judgeCost('telemetry', cost, MAX_COST)),
        ...auditedCosts.map((cost) => judgeCost('telemetry and audit of each call', cost, MAX_COST)),
        judgeGrowth(grown),
      ],
      figures: { costs, auditedCosts, grown, received },
    };
  } finally {
    for (const gateways of started) await gateways.stop();
    await receiver.stop();
  }
};

interface Growth {
  readonly calls: number;
  /** Heap and external memory after each quarter of the calls. */
  readonly bytes: readonly number[];
  readonly errors: number;
}

/** Calls of tools with many names, which must not become series, cache entries or anything else that stays. */
async function measureGrowth({ load, isQuick }: StudyBench, gateway: RunningGateway): Promise<Growth> {
  const quarter = isQuick ? 10_000 : 50_000;
  const order: LoadOrder = {
    order: 'load',
    target: gateway.target('legacy'),
    era: 'legacy',
    concurrency: CONCURRENCY,
    durationMs: 1_000,
    toolNames: TOOL_NAMES,
  };
  const bytes: number[] = [];
  let [calls, errors] = [0, 0];
  while (bytes.length < 4) {
    const report = await load.order(order);
    calls += report.calls;
    errors += report.errors;
    if (calls < quarter * (bytes.length + 1)) continue;
    const { heapUsed, external } = await gateway.process.memory();
    bytes.push(heapUsed + external);
  }
  return { calls, bytes, errors };
}

function judgeGrowth({ calls, bytes, errors }: Growth): Verdict {
  const grown = (bytes.at(-1) ?? 0) - (bytes[0] ?? 0);
  return {
    what: `${calls} calls of ${TOOL_NAMES} tools: growth after the first quarter`,
    wanted: `at most ${toMib(MAX_GROWTH_BYTES)}`,
    measured: `${(grown / KIB).toFixed(0)} KiB, ${errors} wrong answers`,
    kept: grown <= MAX_GROWTH_BYTES && errors === 0,
  };
}

const toMib = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(1)} MiB`;
