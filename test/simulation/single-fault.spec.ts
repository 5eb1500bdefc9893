import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import {
  frozenOwner,
  KILLED_AT_MS,
  killedOwner,
  RELAY_DOWN_AT_MS,
  RELAY_UP_AT_MS,
  restartedRelay,
  thawedOwner,
} from './single-fault-scenarios.js';
import { violationsOf } from './invariants.js';
import { run, type Run } from './run.js';
import { HISTORIES, TEST_TIMEOUT_MS } from './settings.js';
import type { Scenario } from './scenario.js';
import { OVERLOADED, SESSION_GONE } from './world/client-answer.js';
import type { RequestRecord } from './world/run-log.js';

const FEW = { ...HISTORIES, numRuns: Math.ceil(HISTORIES.numRuns / 10) };

/** A call of the family below takes less, there and back. */
const CALL_MS = 400;

/** Every history keeps all invariants, and of each call more is demanded. */
function judge(family: fc.Arbitrary<Scenario>, look: (call: Told, over: Run) => string | undefined): Promise<void> {
  return fc.assert(
    fc.asyncProperty(family, async (scenario) => {
      const over = await run(scenario);
      const faults = over.runLog.all().flatMap((story) => look(toldOf(story, scenario), over) ?? []);
      expect([...faults, ...violationsOf(over)]).toEqual([]);
    }),
    FEW,
  );
}

interface Told {
  readonly name: string;
  /** Since the requests began. */
  readonly sentAt: number;
  readonly afterMs: number;
  readonly verdict: string;
  readonly why: string | undefined;
}

function toldOf({ name, sentAt, answers }: RequestRecord, { ageMs }: Scenario): Told {
  const { time, verdict, why } = answers[0] ?? { time: Infinity, verdict: 'nothing', why: undefined };
  return { name, sentAt: sentAt - ageMs, afterMs: time - sentAt, verdict, why };
}

describe('an owner', () => {
  it(
    'that is frozen before its claim has run nothing, and runs nothing later',
    () =>
      judge(frozenOwner, ({ name, verdict }) =>
        verdict === 'not_executed' ? undefined : `${name} is told ${verdict} of a frozen owner`,
      ),
    TEST_TIMEOUT_MS,
  );

  it(
    'that settles up after it was said to be gone serves nothing any more',
    () => judge(thawedOwner, () => undefined),
    TEST_TIMEOUT_MS,
  );

  it(
    'that is killed is noticed in time',
    () =>
      judge(killedOwner, ({ name, sentAt, afterMs, verdict, why }) => {
        const said = `${name}, sent at ${sentAt}, is told ${verdict} after ${Math.round(afterMs)} ms`;
        if (sentAt + afterMs > KILLED_AT_MS && sentAt < KILLED_AT_MS) {
          return sentAt + afterMs > KILLED_AT_MS + 7_000 ? said : undefined;
        }
        if (sentAt < KILLED_AT_MS) return undefined;
        const isLate = afterMs > 600 || (sentAt > KILLED_AT_MS + 7_000 && why !== SESSION_GONE);
        return isLate || verdict !== 'not_executed' ? said : undefined;
      }),
    TEST_TIMEOUT_MS,
  );
});

describe('a relay', () => {
  it(
    'that is gone delays no answer, and is used again soon after it came back',
    () =>
      judge(restartedRelay, ({ name, sentAt, afterMs, verdict, why }) => {
        const said = `${name}, sent at ${sentAt}, is told ${verdict} (${why}) after ${Math.round(afterMs)} ms`;
        if (afterMs > 1_000) return said;
        const isUndisturbed = sentAt + CALL_MS < RELAY_DOWN_AT_MS || sentAt > RELAY_UP_AT_MS + 2_000;
        return isUndisturbed && verdict !== 'success' && why !== OVERLOADED ? said : undefined;
      }),
    TEST_TIMEOUT_MS,
  );
});
