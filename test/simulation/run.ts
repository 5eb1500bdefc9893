import { endOfFaults, type Scenario } from './scenario.js';
import type { Chronicle } from './world/chronicle.js';
import type { Flaws } from './world/flaws.js';
import { HEIR_PATIENCE_MS } from './world/hand-over.js';
import { World, type Asked } from './world/world.js';

/** A run that is over, for whoever judges. */
export interface Run {
  readonly scenario: Scenario;
  readonly chronicle: Chronicle;
  /** How many steps the call makes at the server. */
  stepsOf(name: string): number;
  /** By when the client must have its answer. */
  latestOf(name: string): number;
  /** Whether the worker that was asked lived, so that somebody waits for the answer. */
  isOwed(name: string): boolean;
  readonly leftOver: readonly string[];
}

const SLICE_MS = 500;
/** An answer may come so long after its budget. */
const GRACE_MS = 1_000;
/** Who asks for a session that is on its way waits until it has arrived, or is not expected any more. */
const MOVE_MS = 2 * HEIR_PATIENCE_MS;
/** Everything that may follow an answer has happened by then, and what nobody hears is given up. */
const REST_MS = 8_000;
/** In one of so many runs the rest is long enough for all that is remembered for a while to be forgotten. */
const LONG_REST_EVERY = 16;
const LONG_REST_MS = 25_000;

/** Lets a scenario come about. */
export async function run(scenario: Scenario, flaws?: Flaws): Promise<Run> {
  const world = new World(scenario, flaws);
  await world.universe.runUntil(scenario.ageMs);
  world.begin();
  await runToTheEnd(world);
  const leftOver = await leftOverIn(world);
  return { scenario, chronicle: world.chronicle, ...promisesOf(world), leftOver };
}

async function runToTheEnd(world: World): Promise<void> {
  const { universe, scenario } = world;
  const { latestOf, isOwed } = promisesOf(world);
  const quietAt = universe.now + endOfFaults(scenario);
  await universe.runUntil(quietAt);
  for (;;) {
    const waiting = world.chronicle.all().filter(({ name, answers }) => answers.length === 0 && isOwed(name));
    const latest = Math.max(0, ...waiting.map(({ name }) => latestOf(name)));
    if (latest < universe.now) break;
    await universe.runUntil(universe.now + SLICE_MS);
  }
  await universe.runUntil(universe.now + REST_MS);
}

/** What is still there when everything is over, and when every worker has stopped. */
async function leftOverIn(world: World): Promise<string[]> {
  const { universe, scenario } = world;
  const isLong = scenario.seed % LONG_REST_EVERY === 0;
  if (isLong) await universe.runUntil(universe.now + LONG_REST_MS);
  const living = world.processes.filter(({ host }) => host.isRunning);
  const kept = living.flatMap(({ worker }) => worker.leftOver());
  for (const { worker } of living) worker.node.stop();
  await universe.runUntil(universe.now + GRACE_MS);
  // What was seen is remembered for a while, stop or no stop.
  const known = isLong ? 0 : 1;
  const timers = living.map(({ host }) => host.pendingTimers).filter((count) => count > known);
  return [...kept, ...timers.map((count) => `${count} timers after the stop`)];
}

function promisesOf(world: World): Pick<Run, 'stepsOf' | 'latestOf' | 'isOwed'> {
  const asked = (name: string): Asked => world.asked.get(name)!;
  return {
    stepsOf: (name) => asked(name).plan.steps,
    isOwed: (name) => asked(name).process.host.isAlive,
    latestOf(name) {
      const { plan, process, sentAt } = asked(name);
      const { host } = process;
      const mayMove = world.scenario.faults.some((fault) => fault.kind === 'leave');
      const own = (plan.budgetMs + plan.workMs + (mayMove ? MOVE_MS : 0)) / host.rate;
      return sentAt + own + GRACE_MS + host.stoodStillMs;
    },
  };
}
