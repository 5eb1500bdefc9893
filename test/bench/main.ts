/**
 * `npm run bench`: measures the gateway against the server alone and against a proxy that only forwards bytes, in one
 * run on one machine. The exit status tells only whether everything ran, not whether targets were met.
 */
import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { describeMachine } from './machine.js';
import { readOptions, USAGE, type BenchOptions } from './options.js';
import { CORES, PinnedProcess } from './pinned-process.js';
import { describe, memoryLine, throughputTable, verdictTable } from './report.js';
import { measureSessionMemory, type SessionMemory } from './session-memory.js';
import { LOAD_SCRIPT, startSubject, startUpstream, type Subject, type Upstream } from './subjects.js';
import { STUDIES, type StudyReport } from './studies/index.js';
import { judge } from './targets.js';
import { measureThroughput, warmUp, type Figures } from './throughput.js';
import { ERAS } from './workload.js';

async function measureSubjects(options: BenchOptions, upstream: Upstream, load: PinnedProcess): Promise<Figures[]> {
  const subjects: Subject[] = [];
  const all: Figures[] = [];
  if (options.subjects.length === 0) return all;
  try {
    for (const name of options.subjects) subjects.push(await startSubject(name, upstream));
    for (const era of ERAS) {
      for (const subject of subjects) await warmUp(era, subject, load, options.plan);
      const figures: Figures[] = [];
      for (const concurrency of options.plan.concurrencies) {
        figures.push(...(await measureThroughput(era, concurrency, subjects, load, options.plan)));
      }
      console.log(`\n${throughputTable(figures)}`);
      all.push(...figures);
    }
  } finally {
    for (const subject of subjects) await subject.stop();
  }
  return all;
}

async function study(options: BenchOptions, upstream: Upstream, load: PinnedProcess): Promise<StudyReport[]> {
  const { isQuick, profile } = options;
  const nodeArgs = profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${resolve(profile)}`];
  const reports: StudyReport[] = [];
  for (const name of options.studies) {
    const report = { name, ...(await STUDIES[name]({ upstream, load, isQuick, nodeArgs })) };
    console.log(`\n${report.lines.join('\n')}`);
    reports.push(report);
  }
  return reports;
}

async function bench(options: BenchOptions): Promise<void> {
  const machine = describeMachine();
  console.log(describe(machine));
  const load = new PinnedProcess({ core: CORES.load, script: LOAD_SCRIPT, servesOrders: true });
  const upstream = await startUpstream();
  try {
    const figures = await measureSubjects(options, upstream, load);
    const memories: SessionMemory[] = [];
    for (const used of options.subjects.includes('gateway') ? [false, true] : []) {
      const memory = await measureSessionMemory(upstream, load, options.sessions, used);
      console.log(`${used ? '' : '\n'}${memoryLine(memory)}`);
      memories.push(memory);
    }
    const studies = await study(options, upstream, load);
    const verdicts = [...judge(figures, memories), ...studies.flatMap((report) => report.verdicts)];
    if (verdicts.length > 0) console.log(`\n${verdictTable(verdicts)}`);
    if (options.json !== undefined) {
      await writeFile(
        options.json,
        `${JSON.stringify({ machine, figures, memories, studies, verdicts }, undefined, 2)}\n`,
      );
    }
  } finally {
    await upstream.stop();
    await load.stop();
  }
}

let options: BenchOptions | undefined;
try {
  options = readOptions(process.argv.slice(2));
} catch (error) {
  console.error(`${error instanceof Error ? error.message : String(error)}\n${USAGE}`);
  process.exitCode = 2;
}
if (options !== undefined) {
  try {
    await bench(options);
  } catch (error) {
    console.error(error);
    process.exitCode = 1;
  }
}
