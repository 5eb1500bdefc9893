import { startGateways, type RunningGateway } from '../gateways.js';
import type { BurdenOrder, LoadOrder, LoadReport } from '../load-orders.js';
import { median } from '../median.js';
import { CORES, PinnedProcess } from '../pinned-process.js';
import { LOAD_SCRIPT } from '../subjects.js';
import type { Study, StudyBench } from './study.js';

const PER_SECOND = 300;
const CONNECTIONS = 8;
const ROUNDS = 5;
const MAX_RATIO = 1.2;
const BURDEN = { hanging: 100, unread: 8, unreadBytes: 10 * 1024 * 1024 };

interface Round {
  readonly aloneP99Ms: number;
  readonly besideP99Ms: number;
  readonly errors: number;
}

/** Measures a tenant with quick calls, alone and beside a tenant whose calls hang and who does not read answers. */
export const studyIsolation: Study = async (bench) => {
  const gateways = await startGateways({
    upstreamPort: bench.upstream.port,
    cores: [CORES.subject],
    nodeArgs: bench.nodeArgs,
  });
  const neighbour = new PinnedProcess({ core: CORES.load, script: LOAD_SCRIPT, servesOrders: true });
  try {
    const [gateway] = gateways.all as readonly [RunningGateway];
    const target = gateway.target('legacy', await gateways.authorize('neighbour'));
    const burden: BurdenOrder = { order: 'burden', target, ...BURDEN };
    await measureFastTenant(bench, gateway);
    const rounds: Round[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      const alone = await measureFastTenant(bench, gateway);
      await neighbour.order(burden);
      const beside = await measureFastTenant(bench, gateway);
      await neighbour.order({ order: 'leave' });
      rounds.push({ aloneP99Ms: alone.p99Ms, besideP99Ms: beside.p99Ms, errors: alone.errors + beside.errors });
    }
    return reportOf(rounds);
  } finally {
    await neighbour.stop();
    await gateways.stop();
  }
};

function measureFastTenant({ load, isQuick }: StudyBench, gateway: RunningGateway): Promise<LoadReport> {
  const order: LoadOrder = {
    order: 'load',
    era: 'legacy',
    target: gateway.target('legacy'),
    concurrency: CONNECTIONS,
    perSecond: PER_SECOND,
    durationMs: isQuick ? 2_000 : 6_000,
  };
  return load.order(order);
}

function reportOf(rounds: readonly Round[]): Awaited<ReturnType<Study>> {
  const ratio = median(rounds.map(({ aloneP99Ms, besideP99Ms }) => besideP99Ms / aloneP99Ms));
  const errors = rounds.reduce((sum, round) => sum + round.errors, 0);
  const alone = median(rounds.map(({ aloneP99Ms }) => aloneP99Ms));
  const beside = median(rounds.map(({ besideP99Ms }) => besideP99Ms));
  return {
    lines: [
      `isolation: ${PER_SECOND} calls a second of one tenant; beside them another tenant's ${BURDEN.hanging} calls that hang and ${BURDEN.unread} answers of ${BURDEN.unreadBytes / 2 ** 20} MiB that are not read`,
      `  p99 alone ${alone.toFixed(2)} ms, beside the neighbour ${beside.toFixed(2)} ms; medians of ${rounds.length} rounds`,
    ],
    verdicts: [
      {
        what: 'p99 of a tenant beside a slow one',
        wanted: `at most ${MAX_RATIO} × of p99 alone`,
        measured: `${ratio.toFixed(2)} ×, ${errors} wrong answers`,
        kept: ratio <= MAX_RATIO && errors === 0,
      },
    ],
    figures: { rounds, ratio },
  };
}
