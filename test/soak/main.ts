/**
 * `npm run soak`: runs three workers, Redis, and servers and clients of every kind, and injects one fault after
 * another. Exits with 1 when a guarantee was violated.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { CallLedger } from './call-ledger.js';
import { answerQuestions, callWithoutSession, followStreams, callInSessions, type SoakClient } from './clients.js';
import { SeededRandom } from './seeded-random.js';
import { injectFaults } from './faults.js';
import { readOptions, USAGE, type SoakOptions } from './options.js';
import { measureProcess, startSoakWorld, type SoakWorld } from './soak-world.js';
import { trendOf, type Point } from './trend.js';

const CLIENTS: readonly SoakClient[] = [
  ...Array.from({ length: 6 }, () => callInSessions),
  ...Array.from({ length: 3 }, () => followStreams),
  ...Array.from({ length: 3 }, () => callWithoutSession('modern')),
  ...Array.from({ length: 3 }, () => callWithoutSession('rpc')),
  ...Array.from({ length: 3 }, () => answerQuestions),
];
const SAMPLE_MS = 5_000;
/** After this time abandoned sessions have ended and decisions about calls have expired. */
const SETTLE_MS = 120_000;
/** Share of the samples that is ignored, because caches and pools fill at first. */
const WARM_UP_SHARE = 0.3;
const MAX_GROWN_BYTES = 48 * 2 ** 20;
const MAX_GROWN_FILES = 40;
const MAX_NOTES = 4;
const MAX_SHOWN = 5;

interface Samples {
  readonly rss: Point[];
  readonly files: Point[];
}

async function soak({ minutes, seed, logs }: SoakOptions): Promise<number> {
  console.log(`soak of ${minutes} minutes, seed ${seed}`);
  const world = await startSoakWorld(minutes * 60 + 600);
  const ledger = new CallLedger();
  const samples: Samples = { rss: [], files: [] };
  try {
    const signal = AbortSignal.timeout(minutes * 60_000);
    const sampling = sample(world, samples, signal);
    const visits = CLIENTS.map((client, index) =>
      client({ world, ledger, signal, random: new SeededRandom(seed + 1 + index) }),
    );
    const faults = await injectFaults(world, new SeededRandom(seed), ledger, signal);
    await Promise.all([...visits, sampling]);
    await pause(SETTLE_MS);
    ledger.check(await world.servers.arrivals());
    world.inspect(ledger);
    checkTrends(samples, ledger);
    const keys = await checkKeys(world, ledger);
    report(ledger, faults, keys, samples);
    await saveOutputs(world, logs);
    return ledger.violations.length;
  } finally {
    await world.close();
  }
}

async function saveOutputs(world: SoakWorld, folder: string | undefined): Promise<void> {
  if (folder === undefined) return;
  await mkdir(folder, { recursive: true });
  for (const [pid, output] of Object.entries(world.outputs())) await writeFile(join(folder, `${pid}.log`), output);
}

/** Samples the worker that runs for the whole soak. */
async function sample({ slots }: SoakWorld, samples: Samples, signal: AbortSignal): Promise<void> {
  const pid = slots[0]?.worker.pid ?? 0;
  while (!signal.aborted) {
    await pause(SAMPLE_MS, undefined, { signal }).catch(() => undefined);
    const { rss, files } = await measureProcess(pid).catch(() => ({ rss: 0, files: 0 }));
    const atMs = performance.now();
    samples.rss.push({ atMs, value: rss });
    samples.files.push({ atMs, value: files });
  }
}

function checkTrends({ rss, files }: Samples, ledger: CallLedger): void {
  const settled = (points: readonly Point[]): readonly Point[] =>
    points.slice(Math.floor(points.length * WARM_UP_SHARE));
  const memory = trendOf(settled(rss));
  const handles = trendOf(settled(files));
  const mib = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(0)} MiB`;
  if (memory.grown > MAX_GROWN_BYTES) {
    ledger.reportViolation('memory grows', `by ${mib(memory.grown)} around ${mib(memory.mean)}`);
  }
  if (handles.grown > MAX_GROWN_FILES) {
    ledger.reportViolation('open files grow', `by ${handles.grown.toFixed(0)} around ${handles.mean.toFixed(0)}`);
  }
}

/**
 * Counts the keys in Redis by kind. At rest there are no decisions, no events, and one announcement for each worker.
 */
async function checkKeys({ redis, slots }: SoakWorld, ledger: CallLedger): Promise<Record<string, number>> {
  const client = new Redis(redis.url);
  const counts: Record<string, number> = {};
  const leftSeconds: number[] = [];
  for (const key of await client.keys('*')) {
    const kind = /[a-z]+:(?=\{)|\}:[a-z]+$/.exec(key)?.[0] ?? key;
    counts[kind] = (counts[kind] ?? 0) + 1;
    if (kind === 'call:') leftSeconds.push(await client.ttl(key));
  }
  client.disconnect();
  const received = JSON.stringify({ ...counts, leftSeconds });
  for (const kind of ['call:', 'events:']) {
    if ((counts[kind] ?? 0) > 0) ledger.reportViolation('keys are left in Redis', `${kind} ${received}`);
  }
  if (counts['worker:'] !== slots.length)
    ledger.reportViolation('announcements are not those of the workers', received);
  return counts;
}

function report(
  ledger: CallLedger,
  faults: Record<string, number>,
  keys: Record<string, number>,
  { rss, files }: Samples,
): void {
  console.log('\ncalls');
  for (const { client, outcomes } of ledger.summary()) {
    const received = Object.entries(outcomes).map(([outcome, count]) => `${outcome} ${count}`);
    console.log(`  ${client.padEnd(18)} ${received.join(', ')}`);
  }
  console.log(
    `faults\n  ${Object.entries(faults)
      .map(([name, count]) => `${name} ${count}`)
      .join(', ')}`,
  );
  const ends = (points: readonly Point[], unit: number): string =>
    `${((points[0]?.value ?? 0) / unit).toFixed(0)} → ${((points.at(-1)?.value ?? 0) / unit).toFixed(0)}`;
  console.log(
    `at rest\n  worker 0: ${ends(rss, 2 ** 20)} MiB, ${ends(files, 1)} open files; keys ${JSON.stringify(keys)}`,
  );
  console.log(ledger.violations.length === 0 ? 'no violations' : `${ledger.violations.length} VIOLATIONS`);
  for (const [what, all = []] of Object.entries(Object.groupBy(ledger.violations, (violation) => violation.what))) {
    console.log(`  ✗ ${what}: ${all.length}`);
    for (const { atMs, detail } of all.slice(0, MAX_SHOWN)) {
      console.log(
        `    ${(atMs / 1_000).toFixed(1)} s ${detail}\n      before: ${ledger.notesBefore(atMs, MAX_NOTES).join('; ')}`,
      );
    }
  }
}

let options: SoakOptions | undefined;
try {
  options = readOptions(process.argv.slice(2));
} catch (error) {
  console.error(`${error instanceof Error ? error.message : String(error)}\n${USAGE}`);
  process.exitCode = 2;
}
if (options !== undefined) {
  try {
    process.exitCode = (await soak(options)) === 0 ? 0 : 1;
  } catch (error) {
    console.error(error);
    process.exitCode = 1;
  }
}
