import { readFileSync, writeFileSync } from 'node:fs';
import type { LoadReport } from '../load-orders.js';
import type { PinnedProcess } from '../pinned-process.js';
import { archive } from '../workload.js';
import type { Study } from './study.js';
import { PAIR_PINNING, startWorkerPair } from './worker-pair.js';

const RESULT_BYTES = 10 * 1024 * 1024;
const AT_ONCE = 4;
const PAYLOAD_BYTES = RESULT_BYTES * AT_ONCE;
const MAX_MULTIPLE = 5;
const MIB = 2 ** 20;

/** Measures the peak memory of both workers while several large answers are forwarded at a time. */
export const studyLargeResults: Study = async (bench) => {
  const durationMs = bench.isQuick ? 4_000 : 12_000;
  const pair = await startWorkerPair(bench);
  try {
    const plan = { concurrency: AT_ONCE, durationMs, use: archive(RESULT_BYTES) };
    // Warm up before the first measurement, and measure the owner without forwarding.
    await bench.load.order(pair.load('forwarded', { concurrency: AT_ONCE, durationMs: 1_000 }));
    const local = await bench.load.order(pair.load('local', { ...plan, durationMs: durationMs / 4 }));
    const workers = { ingress: pair.ingress.process, owner: pair.owner.process };
    const before = { ingress: await settled(workers.ingress), owner: await settled(workers.owner) };
    const report = await bench.load.order(pair.load('forwarded', plan));
    const grown = {
      ingress: peakRss(workers.ingress) - before.ingress,
      owner: peakRss(workers.owner) - before.owner,
    };
    const rate = rateOf(report);
    const multiple = (grown.ingress + grown.owner) / PAYLOAD_BYTES;
    const each = Object.entries(grown).map(
      ([name, bytes]) => `${name} ${(bytes / MIB).toFixed(0)} MiB (${(bytes / PAYLOAD_BYTES).toFixed(1)} ×)`,
    );
    return {
      lines: [
        `large results: ${AT_ONCE} at a time of ${RESULT_BYTES / MIB} MiB each, forwarded; ${PAIR_PINNING}`,
        `  ${report.calls} results, ${rate.toFixed(0)} MiB/s, p50 ${report.p50Ms.toFixed(0)} ms, ${report.errors} wrong; at the owner itself ${rateOf(local).toFixed(0)} MiB/s`,
        `  peak resident memory beyond the idle one: ${each.join(', ')}; the payload in flight at a time is ${PAYLOAD_BYTES / MIB} MiB`,
        ...report.samples.map((sample) => `  wrong: ${JSON.stringify(sample)}`),
      ],
      verdicts: [
        {
          what: `${AT_ONCE} large results forwarded at a time: peak memory of both workers`,
          wanted: `at most ${MAX_MULTIPLE} × the payload`,
          measured: `${multiple.toFixed(1)} ×, at ${rate.toFixed(0)} MiB/s, ${report.errors} wrong answers`,
          kept: multiple <= MAX_MULTIPLE && report.errors === 0,
        },
      ],
      figures: { report, local, before, grown, rate, multiple },
    };
  } finally {
    await pair.stop();
  }
};

/** Throughput in MiB per second. */
const rateOf = ({ bytes, elapsedMs }: LoadReport): number => bytes / MIB / (elapsedMs / 1_000);

/** Resident bytes after a garbage collection. Resets the peak. */
async function settled(process: PinnedProcess): Promise<number> {
  const { rss } = await process.memory();
  try {
    // proc_pid_clear_refs(5): "5" resets the peak resident set size.
    writeFileSync(`/proc/${process.pid}/clear_refs`, '5');
  } catch {
    // Without the reset the peak since the start counts, which is at least as high.
  }
  return rss;
}

/** `VmHWM` of proc_pid_status(5), in bytes. */
function peakRss({ pid }: PinnedProcess): number {
  const [, kib] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kib) * 1_024;
}
