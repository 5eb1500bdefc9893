import * as fc from 'fast-check';
import type { PlannedRequest, Scenario } from './scenario.js';
import { scenarios } from './scenarios.js';

/** Scenarios with a single fault, which allow stricter assertions than the invariants of all runs. */

const OWNER = 0;
const OTHERS = [1, 2];
/** Age at which all workers know each other and may fence an unresponsive one. */
const SETTLED_MS = 8_000;

const quiet = scenarios({ faults: [], behaviours: ['ok'], cancels: false, hasTightBudgets: false });

interface Timing {
  readonly at: number;
  readonly via: number;
}

/** Adds calls that reach the session's owner through other workers. */
function withCalls(base: Scenario, timings: readonly Timing[], more: Partial<PlannedRequest> = {}): Scenario {
  const [sample] = base.requests;
  const requests = sample ? timings.map((timing) => ({ ...sample, ...timing, session: 0, ...more })) : [];
  return { ...base, clocks: [1, 1, 1], sessions: [OWNER], requests };
}

const timings = (least: number, most: number) =>
  fc.array(fc.record({ at: fc.integer({ min: least, max: most }), via: fc.constantFrom(...OTHERS) }), {
    minLength: 1,
    maxLength: 3,
  });

/** The owner is frozen before the first call and for longer than the calls wait. */
export const frozenOwner: fc.Arbitrary<Scenario> = fc
  .record({ base: quiet, calls: timings(20, 1_000), ms: fc.constantFrom(2_000, 4_900, 20_000) })
  .map(({ base, calls, ms }) => ({
    ...withCalls(base, calls),
    faults: [{ kind: 'freeze', worker: OWNER, at: 0, ms }],
  }));

/** The owner is frozen for about the time of its presence, and thaws while the others fence it. */
export const thawedOwner: fc.Arbitrary<Scenario> = fc
  .record({
    base: quiet,
    phase: fc.nat(1_000),
    at: fc.integer({ min: 4_500, max: 5_500 }),
    gap: fc.integer({ min: 5, max: 700 }),
    wake: fc.integer({ min: 5, max: 400 }),
  })
  .map(({ base, phase, at, gap, wake }) => ({
    ...withCalls(base, [
      { at, via: 1 },
      { at: at + gap, via: 2 },
    ]),
    ageMs: SETTLED_MS + phase,
    faults: [{ kind: 'freeze', worker: OWNER, at: 0, ms: at + gap + wake }],
  }));

/** When the owner is killed, in ms since the first request. */
export const KILLED_AT_MS = 1_000;

/** The owner is killed during calls, and more calls follow. */
export const killedOwner: fc.Arbitrary<Scenario> = fc
  .record({ base: quiet, before: timings(0, KILLED_AT_MS), after: timings(KILLED_AT_MS, 12_000) })
  .map(({ base, before, after }) => ({
    ...withCalls(base, [...before, ...after], { budgetMs: 30_000, workMs: 9_000 }),
    ageMs: SETTLED_MS,
    faults: [{ kind: 'kill', worker: OWNER, at: KILLED_AT_MS }],
  }));

export const RELAY_DOWN_AT_MS = 500;
export const RELAY_UP_AT_MS = 4_000;

/** The relay is down for a while and restarts without data. */
export const restartedRelay: fc.Arbitrary<Scenario> = fc
  .record({ base: quiet, calls: timings(0, 8_000) })
  .map(({ base, calls }) => ({
    ...withCalls(base, calls, { budgetMs: 10_000, workMs: 20 }),
    ageMs: SETTLED_MS,
    faults: [{ kind: 'restart-redis', at: RELAY_DOWN_AT_MS, ms: RELAY_UP_AT_MS - RELAY_DOWN_AT_MS }],
  }));
