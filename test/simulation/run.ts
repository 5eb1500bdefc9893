import { endOfFaults, type Scenario } from './scenario.js';
import type { RunLog } from './world/run-log.js';
import type { Flaws } from './world/flaws.js';
import { HANDOFF_TIMEOUT_MS } from './world/handoff.js';
import { World, type SentRequest } from './world/world.js';

/** A finished run. */
export interface Run {
  readonly scenario: Scenario;
  readonly runLog: RunLog;
  /** Number of progress steps of the call at the server. */
  stepsOf(name: string): number;
  /** Latest time at which the client must have its answer. */
  deadlineOf(name: string): number;
  /** Whether the worker that received the request is alive, so that the client still waits for the answer. */
  awaitsAnswer(name: string): boolean;
  readonly leftOver: readonly string[];
}

const SLICE_MS = 500;
/** Maximum delay of an answer after its budget. */
const GRACE_MS = 1_000;
/** A request waits for so long for the handoff of its session. */
const MOVE_MS = 2 * HANDOFF_TIMEOUT_MS;
/** After this time all effects of an answer have happened and unanswered messages have timed out. */
const REST_MS = 8_000;
/** One of this many runs rests long enough for all temporary records to expire. */
const LONG_REST_EVERY = 16;
const LONG_REST_MS = 25_000;

/** Runs a scenario. */
export async function run(scenario: Scenario, flaws?: Flaws): Promise<Run> {
  const world = new World(scenario, flaws);
  await world.virtualTime.runUntil(scenario.ageMs);
  world.start();
  await runToTheEnd(world);
  const leftOver = await leftOverIn(world);
  return { scenario, runLog: world.runLog, ...promisesOf(world), leftOver };
}

async function runToTheEnd(world: World): Promise<void> {
  const { virtualTime, scenario } = world;
  const { deadlineOf, awaitsAnswer } = promisesOf(world);
  const quietAt = virtualTime.now + endOfFaults(scenario);
  await virtualTime.runUntil(quietAt);
  for (;;) {
    const waiting = world.runLog.all().filter(({ name, answers }) => answers.length === 0 && awaitsAnswer(name));
    const latest = Math.max(0, ...waiting.map(({ name }) => deadlineOf(name)));
    if (latest < virtualTime.now) break;
    await virtualTime.runUntil(virtualTime.now + SLICE_MS);
  }
  await virtualTime.runUntil(virtualTime.now + REST_MS);
}

/** Resources that are left at the end of the run and after every worker has stopped. */
async function leftOverIn(world: World): Promise<string[]> {
  const { virtualTime, scenario } = world;
  const isLong = scenario.seed % LONG_REST_EVERY === 0;
  if (isLong) await virtualTime.runUntil(virtualTime.now + LONG_REST_MS);
  const living = world.processes.filter(({ host }) => host.isRunning);
  const kept = living.flatMap(({ worker }) => worker.leftOver());
  for (const { worker } of living) worker.node.stop();
  await virtualTime.runUntil(virtualTime.now + GRACE_MS);
  // The record of seen requests keeps a timer for a while, even after the stop.
  const known = isLong ? 0 : 1;
  const timers = living.map(({ host }) => host.pendingTimers).filter((count) => count > known);
  return [...kept, ...timers.map((count) => `${count} timers after the stop`)];
}

function promisesOf(world: World): Pick<Run, 'stepsOf' | 'deadlineOf' | 'awaitsAnswer'> {
  const asked = (name: string): SentRequest => world.sentRequests.get(name)!;
  return {
    stepsOf: (name) => asked(name).plan.steps,
    awaitsAnswer: (name) => asked(name).process.host.isAlive,
    deadlineOf(name) {
      const { plan, process, sentAt } = asked(name);
      const { host } = process;
      const mayMove = world.scenario.faults.some((fault) => fault.kind === 'leave');
      const own = (plan.budgetMs + plan.workMs + (mayMove ? MOVE_MS : 0)) / host.rate;
      return sentAt + own + GRACE_MS + host.totalFrozenMs;
    },
  };
}
