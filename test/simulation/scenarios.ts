import * as fc from 'fast-check';
import { BEHAVIOURS, type Behaviour, type Fault, type PlannedRequest, type Scenario } from './scenario.js';

/** Times of events: concurrent, within a timeout of each other, or far apart. */
const moment = fc.oneof(fc.nat(60), fc.nat(700), fc.nat(3_000));
/** Durations of faults: shorter than all timeouts, longer, and longer than the presence of a worker. */
const duration = fc.oneof(fc.nat(200), fc.integer({ min: 200, max: 1_500 }), fc.integer({ min: 1_500, max: 13_000 }));
const place = fc.nat(2);
const nth = fc.nat(12);

const is = <K extends string>(...kinds: readonly K[]): fc.Arbitrary<K> => fc.constantFrom(...kinds);

const FAULTS = {
  loss: fc.record({ kind: is('lose-frame'), nth }),
  repetition: fc.record({ kind: is('repeat-frame'), nth, ms: duration }),
  delay: fc.record({ kind: is('delay-frame'), nth, ms: duration }),
  lateness: fc.record({ kind: is('delay-frame'), nth: fc.nat(2), ms: fc.integer({ min: 72_000, max: 80_000 }) }),
  forgery: fc.record({
    kind: is('forge-frame'),
    nth,
    ms: moment,
    at: fc.nat(600),
    flip: fc.integer({ min: 1, max: 255 }),
  }),
  misdirection: fc.record({ kind: is('misdirect-frame'), nth, ms: moment, channel: fc.nat(5) }),
  command: fc.record({ kind: is('lose-command', 'lose-answer'), nth }),
  freeze: fc.record({ kind: is('freeze'), worker: place, at: moment, ms: duration }),
  kill: fc.record({ kind: is('kill'), worker: place, at: moment }),
  leave: fc.record({ kind: is('leave'), worker: place, at: moment }),
  restart: fc.record({ kind: is('restart'), worker: place, at: moment, ms: duration }),
  twin: fc.record({ kind: is('twin'), worker: place, at: moment }),
  reset: fc.record({ kind: is('reset'), worker: place, at: moment, which: is('both', 'commands', 'subscription') }),
  cut: fc.record({ kind: is('cut-off'), worker: place, at: moment, ms: duration, resets: fc.boolean() }),
  flush: fc.record({ kind: is('flush-redis'), at: moment }),
  relay: fc.record({ kind: is('freeze-redis', 'restart-redis', 'fail-over'), at: moment, ms: duration }),
  split: fc.record({ kind: is('split'), at: moment, ms: duration, staying: fc.uniqueArray(place, { maxLength: 2 }) }),
} as const satisfies Record<string, fc.Arbitrary<Fault>>;

export type FaultGroup = keyof typeof FAULTS;
/** All groups but `lateness`, whose runs take as long as twenty others. */
const EVERY_GROUP = (Object.keys(FAULTS) as FaultGroup[]).filter((group) => group !== 'lateness');

/** Common properties of a family of scenarios. */
export interface Family {
  /** Possible faults. Default: all but `lateness`. */
  readonly faults?: readonly FaultGroup[];
  readonly maxFaults?: number;
  readonly behaviours?: readonly Behaviour[];
  readonly cancels?: boolean;
  /** Whether some budgets are shorter than the server's work. */
  readonly hasTightBudgets?: boolean;
  /** Whether all requests are concurrent and in one session. */
  readonly isConcurrent?: boolean;
}

const MAX_REQUESTS = 4;
const AMPLE_MS = 2_000;
const ampleBudget = fc.integer({ min: AMPLE_MS, max: 6_000 });
const tightBudget = fc.integer({ min: 50, max: AMPLE_MS });

function requestsOf({
  behaviours = BEHAVIOURS,
  cancels = true,
  hasTightBudgets = true,
  isConcurrent = false,
}: Family): fc.Arbitrary<PlannedRequest> {
  const fields = {
    at: isConcurrent ? fc.nat(60) : moment,
    via: place,
    session: fc.nat(isConcurrent ? 0 : 1),
    // Most calls succeed, because only a success can violate the invariants about successes.
    behaviour: fc.oneof(
      { arbitrary: is(behaviours[0] ?? 'ok'), weight: 4 },
      { arbitrary: is(...behaviours), weight: 1 },
    ),
    workMs: fc.oneof(fc.nat(30), fc.nat(800)),
    steps: fc.nat(3),
    budgetMs: hasTightBudgets
      ? fc.oneof({ arbitrary: ampleBudget, weight: 4 }, { arbitrary: tightBudget, weight: 1 })
      : ampleBudget,
    cancelAfterMs: fc.option(moment, { freq: 6, nil: undefined }),
  };
  return fc.record(fields).map(({ cancelAfterMs, ...rest }) => {
    return cancels && cancelAfterMs !== undefined ? { ...rest, cancelAfterMs } : rest;
  });
}

/** Scenarios of two or three workers, one or two sessions, one to four requests. */
export function scenarios(family: Family = {}): fc.Arbitrary<Scenario> {
  const { faults = EVERY_GROUP, maxFaults = 4 } = family;
  const fate = faults.length > 0 ? fc.oneof(...faults.map((group): fc.Arbitrary<Fault> => FAULTS[group])) : undefined;
  return fc.record({
    seed: fc.integer(),
    clocks: fc.array(fc.constantFrom(1, 0.93, 1.07), { minLength: 2, maxLength: 3 }),
    // Rarely long enough for the relay to settle, because long runs are slow and few scenarios need them.
    ageMs: fc.constantFrom(400, 400, 400, 8_000),
    maxLatencyMs: fc.constantFrom(1, 5, 20),
    lagMs: fc.constantFrom(0, 10, 300),
    isCluster: fc.boolean(),
    sessions: fc.array(place, { minLength: 1, maxLength: 2 }),
    requests: fc.array(requestsOf(family), {
      minLength: family.isConcurrent ? MAX_REQUESTS : 1,
      maxLength: MAX_REQUESTS,
    }),
    faults: fate ? fc.array(fate, { maxLength: maxFaults }) : fc.constant([]),
  });
}
