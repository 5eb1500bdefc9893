import type { LoadReport } from '../load-orders.js';
import { median } from '../median.js';
import type { Study, StudyBench } from './study.js';
import { PAIR_PINNING, startWorkerPair, type WorkerPair } from './worker-pair.js';

const CONCURRENCY = 32;
const PER_SECOND = 300;
const PACED_CONNECTIONS = 8;
const MIN_OF_LOCAL = 0.5;
const MAX_ADDED_MS = 1.5;

type Where = 'local' | 'forwarded';

interface Side {
  readonly requestsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly errors: number;
  readonly samples: readonly string[];
  /** CPU milliseconds of each worker per 1000 calls. */
  readonly ownerCpuMs: number;
  readonly ingressCpuMs: number;
}

interface Round {
  readonly local: Side;
  readonly forwarded: Side;
}

/** Compares session calls at the owner with the same calls through the other worker, in alternating rounds. */
export const studyForwarding: Study = async (bench) => {
  const rounds = bench.isQuick ? 3 : 7;
  const roundMs = bench.isQuick ? 1_000 : 3_000;
  const pair = await startWorkerPair(bench);
  try {
    const full = { concurrency: CONCURRENCY, durationMs: roundMs };
    const paced = { concurrency: PACED_CONNECTIONS, durationMs: roundMs, perSecond: PER_SECOND };
    for (const where of ['local', 'forwarded'] as const) {
      await bench.load.order(pair.load(where, { ...full, durationMs: 2 * roundMs }));
    }
    return reportOf(await measure(bench, pair, full, rounds), await measure(bench, pair, paced, rounds));
  } finally {
    await pair.stop();
  }
};

type Plan = Parameters<WorkerPair['load']>[1];

async function measure(bench: StudyBench, pair: WorkerPair, plan: Plan, count: number): Promise<Round[]> {
  const rounds: Round[] = [];
  for (let round = 0; round < count; round += 1) {
    const local = await measureSide(bench, pair, 'local', plan);
    rounds.push({ local, forwarded: await measureSide(bench, pair, 'forwarded', plan) });
  }
  return rounds;
}

async function measureSide({ load }: StudyBench, pair: WorkerPair, where: Where, plan: Plan): Promise<Side> {
  const cpuBefore = await cpuOf(pair);
  const report: LoadReport = await load.order(pair.load(where, plan));
  const cpuAfter = await cpuOf(pair);
  const per1000 = (ms: number): number => (ms * 1_000) / report.calls;
  return {
    requestsPerSecond: ((report.calls - report.errors) * 1_000) / report.elapsedMs,
    p50Ms: report.p50Ms,
    p99Ms: report.p99Ms,
    errors: report.errors,
    samples: report.samples,
    ownerCpuMs: per1000(cpuAfter.owner - cpuBefore.owner),
    ingressCpuMs: per1000(cpuAfter.ingress - cpuBefore.ingress),
  };
}

async function cpuOf({ owner, ingress }: WorkerPair): Promise<{ owner: number; ingress: number }> {
  return { owner: await owner.process.cpuMs(), ingress: await ingress.process.cpuMs() };
}

function reportOf(full: readonly Round[], paced: readonly Round[]): Awaited<ReturnType<Study>> {
  const ratio = median(full.map(({ local, forwarded }) => forwarded.requestsPerSecond / local.requestsPerSecond));
  const byCpu = median(
    full.map(({ local, forwarded }) => local.ownerCpuMs / Math.max(forwarded.ownerCpuMs, forwarded.ingressCpuMs)),
  );
  const addedMs = median(paced.map(({ local, forwarded }) => forwarded.p50Ms - local.p50Ms));
  const all = [...full, ...paced].flatMap(({ local, forwarded }) => [local, forwarded]);
  const errors = all.reduce((sum, side) => sum + side.errors, 0);
  const [wrong] = all.flatMap(({ samples }) => samples);
  return {
    lines: [
      `forwarding: legacy session calls through another worker than the owner; ${PAIR_PINNING}`,
      `  c = ${CONCURRENCY}          ${toLine(full)}`,
      `  ${PER_SECOND} a second     ${toLine(paced)}`,
      ...(wrong === undefined ? [] : [`  wrong: ${JSON.stringify(wrong)}`]),
    ],
    verdicts: [
      {
        what: `forwarded, c = ${CONCURRENCY}: calls per second`,
        wanted: `at least ${MIN_OF_LOCAL} of local calls`,
        measured: `${ratio.toFixed(2)} (with a core for each worker, by CPU: ${byCpu.toFixed(2)})`,
        kept: ratio >= MIN_OF_LOCAL,
      },
      {
        what: `forwarded, ${PER_SECOND} a second: added p50`,
        wanted: `at most ${MAX_ADDED_MS} ms`,
        measured: `${addedMs.toFixed(2)} ms`,
        kept: addedMs <= MAX_ADDED_MS,
      },
      { what: 'forwarded: wrong answers', wanted: 'none', measured: String(errors), kept: errors === 0 },
    ],
    figures: { full, paced, ratio, byCpu, addedMs },
  };
}

function toLine(rounds: readonly Round[]): string {
  const side = (where: Where): string => {
    const of = (pick: (side: Side) => number): number => median(rounds.map((round) => pick(round[where])));
    const cpu = `CPU ms/1000 at owner ${of((one) => one.ownerCpuMs).toFixed(0)}, at ingress ${of((one) => one.ingressCpuMs).toFixed(0)}`;
    const latency = `p50 ${of((one) => one.p50Ms).toFixed(2)} ms, p99 ${of((one) => one.p99Ms).toFixed(2)} ms`;
    return `${where} ${of((one) => one.requestsPerSecond).toFixed(0)}/s (${latency}, ${cpu})`;
  };
  return `${side('local')}; ${side('forwarded')}`;
}
