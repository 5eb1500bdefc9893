import { coreBusyMs } from './cpu-clock.js';
import type { LoadOrder } from './load-orders.js';
import { median } from './median.js';
import { CORES, type PinnedProcess } from './pinned-process.js';
import type { Subject, SubjectName } from './subjects.js';
import type { Era } from './workload.js';

/** Number and duration of the rounds. */
export interface Plan {
  readonly concurrencies: readonly number[];
  readonly rounds: number;
  readonly roundMs: number;
  readonly warmUpMs: number;
}

/** Figures of one subject in one round. */
export interface Round {
  readonly requestsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** CPU milliseconds of the subject per 1000 calls. */
  readonly cpuMsPer1000: number;
  /** Share of its core that the subject used, 0 to 1. */
  readonly coreShare: number;
  /** Share of that core that other processes used. */
  readonly foreignShare: number;
  /** Share of a core that the load generator used. */
  readonly loadShare: number;
  readonly calls: number;
  readonly errors: number;
  readonly samples: readonly string[];
}

/** Figures of one subject at one concurrency: medians of its rounds. */
export interface Figures {
  readonly era: Era;
  readonly concurrency: number;
  readonly subject: SubjectName;
  readonly requestsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly cpuMsPer1000: number;
  readonly coreShare: number;
  readonly foreignShare: number;
  readonly loadShare: number;
  /** Median of the ratios within each round, which cancels effects on the whole machine. */
  readonly ofBareProxy?: number;
  /** The same ratio by CPU time per call: the ratio on a saturated core, without disturbance by other processes. */
  readonly ofBareProxyByCpu?: number;
  readonly errors: number;
  readonly samples: readonly string[];
  readonly rounds: readonly Round[];
}

/** Measures all subjects in each round, so that changes of the machine's speed affect all of them. */
export async function measureThroughput(
  era: Era,
  concurrency: number,
  subjects: readonly Subject[],
  load: PinnedProcess,
  plan: Plan,
): Promise<Figures[]> {
  const rounds = new Map<Subject, Round[]>(subjects.map((subject) => [subject, []]));
  for (let round = 0; round < plan.rounds; round += 1) {
    for (const [subject, own] of rounds) own.push(await measureRound(era, concurrency, subject, load, plan.roundMs));
  }
  const yardstick = subjects.find(({ name }) => name === 'bare proxy');
  const baseline = yardstick && rounds.get(yardstick);
  return [...rounds].map(([subject, own]) => summarize(era, concurrency, subject.name, own, baseline));
}

/** Warms up a subject: compiles its code, opens its connections and fills its caches. */
export async function warmUp(era: Era, subject: Subject, load: PinnedProcess, plan: Plan): Promise<void> {
  const round = await measureRound(era, Math.max(...plan.concurrencies), subject, load, plan.warmUpMs);
  if (round.calls === round.errors) {
    throw new Error(`${subject.name} gave no correct answer to a ${era} client. ${round.samples.join('\n')}`);
  }
}

async function measureRound(
  era: Era,
  concurrency: number,
  subject: Subject,
  load: PinnedProcess,
  durationMs: number,
): Promise<Round> {
  const order: LoadOrder = { order: 'load', target: subject.target(era), era, concurrency, durationMs };
  const cpuBefore = await subject.process.cpuMs();
  const busyBefore = coreBusyMs(CORES.subject);
  const startedAt = performance.now();
  const report = await load.order(order);
  const elapsedMs = performance.now() - startedAt;
  const busyMs = coreBusyMs(CORES.subject) - busyBefore;
  const cpuMs = (await subject.process.cpuMs()) - cpuBefore;
  return {
    requestsPerSecond: ((report.calls - report.errors) * 1_000) / report.elapsedMs,
    p50Ms: report.p50Ms,
    p99Ms: report.p99Ms,
    cpuMsPer1000: (cpuMs * 1_000) / report.calls,
    coreShare: cpuMs / elapsedMs,
    foreignShare: Math.max(0, (busyMs - cpuMs) / elapsedMs),
    loadShare: report.cpuMs / report.elapsedMs,
    calls: report.calls,
    errors: report.errors,
    samples: report.samples,
  };
}

function summarize(
  era: Era,
  concurrency: number,
  subject: SubjectName,
  rounds: readonly Round[],
  baseline: readonly Round[] | undefined,
): Figures {
  const of = (pick: (round: Round) => number): number => median(rounds.map(pick));
  const ratio = (pick: (own: Round, base: Round) => number): number | undefined =>
    baseline && median(rounds.flatMap((own, at) => (baseline[at] === undefined ? [] : [pick(own, baseline[at])])));
  const ofBareProxy = ratio((own, base) => own.requestsPerSecond / base.requestsPerSecond);
  const ofBareProxyByCpu = ratio((own, base) => base.cpuMsPer1000 / own.cpuMsPer1000);
  return {
    era,
    concurrency,
    subject,
    requestsPerSecond: of((round) => round.requestsPerSecond),
    p50Ms: of((round) => round.p50Ms),
    p99Ms: of((round) => round.p99Ms),
    cpuMsPer1000: of((round) => round.cpuMsPer1000),
    coreShare: of((round) => round.coreShare),
    foreignShare: of((round) => round.foreignShare),
    loadShare: of((round) => round.loadShare),
    ...(ofBareProxy === undefined ? {} : { ofBareProxy }),
    ...(ofBareProxyByCpu === undefined ? {} : { ofBareProxyByCpu }),
    errors: rounds.reduce((sum, round) => sum + round.errors, 0),
    samples: rounds.flatMap((round) => round.samples).slice(0, 3),
    rounds,
  };
}
