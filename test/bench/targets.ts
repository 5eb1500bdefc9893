import type { SessionMemory } from './session-memory.js';
import type { Figures } from './throughput.js';
import type { Era } from './workload.js';

const AT_CONCURRENCY = 32;
const MIN_OF_BARE_PROXY = 0.6;
const MAX_CPU_MS_PER_1000 = 200;
const MAX_BYTES_PER_SESSION = 8 * 1_024;

/** A target of the product and the measured value. */
export interface Verdict {
  readonly what: string;
  readonly wanted: string;
  readonly measured: string;
  readonly kept: boolean;
}

export function judge(figures: readonly Figures[], memories: readonly SessionMemory[]): Verdict[] {
  const ofGateway = figures.filter(
    ({ subject, concurrency }) => subject === 'gateway' && concurrency === AT_CONCURRENCY,
  );
  return [...ofGateway.flatMap(judgeFigures), ...memories.map(judgeMemory)];
}

function judgeFigures({ era, ofBareProxy, ofBareProxyByCpu, cpuMsPer1000, errors }: Figures): Verdict[] {
  const where = `${era satisfies Era}, c = ${AT_CONCURRENCY}`;
  const cpu: Verdict = {
    what: `${where}: CPU per call`,
    wanted: `at most ${MAX_CPU_MS_PER_1000 / 1_000} ms`,
    measured: `${(cpuMsPer1000 / 1_000).toFixed(3)} ms`,
    kept: cpuMsPer1000 <= MAX_CPU_MS_PER_1000,
  };
  const right: Verdict = {
    what: `${where}: wrong answers`,
    wanted: 'none',
    measured: String(errors),
    kept: errors === 0,
  };
  if (ofBareProxy === undefined) return [cpu, right];
  const speed: Verdict = {
    what: `${where}: calls per second`,
    wanted: `at least ${MIN_OF_BARE_PROXY} of the bare proxy`,
    measured: `${ofBareProxy.toFixed(2)} (by CPU ${ofBareProxyByCpu?.toFixed(2) ?? 'unknown'})`,
    kept: ofBareProxy >= MIN_OF_BARE_PROXY,
  };
  return [speed, cpu, right];
}

function judgeMemory({ rssPerSession, used }: SessionMemory): Verdict {
  return {
    what: `resident memory per idle session${used ? ' that was used' : ''}`,
    wanted: `at most ${MAX_BYTES_PER_SESSION / 1_024} KiB`,
    measured: `${(rssPerSession / 1_024).toFixed(1)} KiB`,
    kept: rssPerSession <= MAX_BYTES_PER_SESSION,
  };
}
