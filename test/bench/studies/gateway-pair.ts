import type { LoadOrder } from '../load-orders.js';
import { startGateways, type Gateways, type RunningGateway } from '../gateways.js';
import { median } from '../median.js';
import { CORES } from '../pinned-process.js';
import type { Verdict } from '../targets.js';
import type { Era } from '../workload.js';
import type { StudyBench } from './study.js';

/** Concurrent calls in every measurement of a pair. */
export const CONCURRENCY = 32;

/** Two gateways that differ in one thing: with it, and without. */
export interface GatewayPair {
  readonly on: RunningGateway;
  readonly off: RunningGateway;
}

/** Figures of one gateway in one round. */
interface Round {
  readonly perSecond: number;
  readonly cpuMsPer1000: number;
  readonly errors: number;
}

/** What the difference between the two gateways costs: shares of 1. */
export interface Cost {
  readonly era: Era;
  readonly on: Round;
  readonly off: Round;
  readonly ofCalls: number;
  readonly ofCpu: number;
}

/** Starts a gateway on the core of the subject, and adds it to those that the study must stop. */
export async function startSubject(
  { upstream, nodeArgs }: StudyBench,
  started: Gateways[],
  env: Readonly<Record<string, string>> = {},
): Promise<RunningGateway> {
  const gateways = await startGateways({ upstreamPort: upstream.port, cores: [CORES.subject], nodeArgs, env });
  started.push(gateways);
  const [gateway] = gateways.all as [RunningGateway];
  return gateway;
}

/** Both gateways are measured in each round, so that changes of the machine's speed affect both. */
export async function comparePair(bench: StudyBench, era: Era, { on, off }: GatewayPair): Promise<Cost> {
  const { rounds, roundMs, warmUpMs } = bench.isQuick
    ? { rounds: 9, roundMs: 600, warmUpMs: 3_000 }
    : { rounds: 15, roundMs: 1_500, warmUpMs: 10_000 };
  const measured: { on: Round; off: Round }[] = [];
  for (const gateway of [on, off]) await measure(bench, era, gateway, warmUpMs);
  for (let round = 0; round < rounds; round += 1) {
    measured.push({
      on: await measure(bench, era, on, roundMs),
      off: await measure(bench, era, off, roundMs),
    });
  }
  return {
    era,
    on: summarize(measured.map((round) => round.on)),
    off: summarize(measured.map((round) => round.off)),
    ofCalls: 1 - median(measured.map((round) => round.on.perSecond / round.off.perSecond)),
    ofCpu: median(measured.map((round) => round.on.cpuMsPer1000 / round.off.cpuMsPer1000)) - 1,
  };
}

async function measure({ load }: StudyBench, era: Era, gateway: RunningGateway, durationMs: number): Promise<Round> {
  const order: LoadOrder = { order: 'load', target: gateway.target(era), era, concurrency: CONCURRENCY, durationMs };
  const cpuBefore = await gateway.process.cpuMs();
  const report = await load.order(order);
  const cpuMs = (await gateway.process.cpuMs()) - cpuBefore;
  return {
    perSecond: (report.calls * 1_000) / report.elapsedMs,
    cpuMsPer1000: (cpuMs * 1_000) / report.calls,
    errors: report.errors,
  };
}

const summarize = (rounds: readonly Round[]): Round => ({
  perSecond: median(rounds.map(({ perSecond }) => perSecond)),
  cpuMsPer1000: median(rounds.map(({ cpuMsPer1000 }) => cpuMsPer1000)),
  errors: rounds.reduce((sum, { errors }) => sum + errors, 0),
});

/** One line for people. */
export function describeCost({ era, on, off, ofCalls, ofCpu }: Cost): string {
  const describe = ({ perSecond, cpuMsPer1000 }: Round): string =>
    `${perSecond.toFixed(0)} calls/s, ${cpuMsPer1000.toFixed(1)} CPU ms/1000`;
  return `  ${era}: on ${describe(on)}; off ${describe(off)}; ${toPercent(ofCalls)} fewer calls/s, ${toPercent(ofCpu)} more CPU`;
}

/** @param allowed share of the calls per second that `subject` may cost */
export function judgeCost(subject: string, { era, on, off, ofCalls, ofCpu }: Cost, allowed: number): Verdict {
  const errors = on.errors + off.errors;
  return {
    what: `${era}, c = ${CONCURRENCY}: cost of ${subject}`,
    wanted: `at most ${toPercent(allowed)} of calls per second`,
    measured: `${toPercent(ofCalls)} (CPU per call ${toPercent(ofCpu)} more), ${errors} wrong answers`,
    kept: ofCalls <= allowed && errors === 0,
  };
}

const toPercent = (share: number): string => `${(share * 100).toFixed(0)} %`;
