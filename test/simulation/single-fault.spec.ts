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

/** Upper bound of the duration of an undisturbed call. */
const CALL_MS = 400;

/** Checks all invariants of every run, and each call with the given check. */
function expectCalls(
  family: fc.Arbitrary<Scenario>,
  check: (call: CheckedCall, over: Run) => string | undefined,
): Promise<void> {
  return fc.assert(
    fc.asyncProperty(family, async (scenario) => {
      const over = await run(scenario);
      const faults = over.runLog.all().flatMap((record) => check(toCheckedCall(record, scenario), over) ?? []);
      expect([...faults, ...violationsOf(over)]).toEqual([]);
    }),
    FEW,
  );
}

interface CheckedCall {
  readonly name: string;
  /** Time since the first request. */
  readonly sentAt: number;
  readonly afterMs: number;
  readonly verdict: string;
  readonly why: string | undefined;
}

function toCheckedCall({ name, sentAt, answers }: RequestRecord, { ageMs }: Scenario): CheckedCall {
  const { time, verdict, why } = answers[0] ?? { time: Infinity, verdict: 'nothing', why: undefined };
  return { name, sentAt: sentAt - ageMs, afterMs: time - sentAt, verdict, why };
}

// About 5 to 10 s for each test: 1,000 histories of one fault, with a promise for each single call.
describe('forwarding to a session owner', () => {
  it(
    'answers not_executed for calls that the frozen owner has not claimed',
    () =>
      expectCalls(frozenOwner, ({ name, verdict }) =>
        verdict === 'not_executed' ? undefined : `${name} was answered ${verdict} by a frozen owner`,
      ),
    TEST_TIMEOUT_MS,
  );

  it(
    'executes nothing at an owner that thaws after it was fenced',
    () => expectCalls(thawedOwner, () => undefined),
    TEST_TIMEOUT_MS,
  );

  it(
    'detects a killed owner in time',
    () =>
      expectCalls(killedOwner, ({ name, sentAt, afterMs, verdict, why }) => {
        const failure = `${name}, sent at ${sentAt}, was answered ${verdict} after ${Math.round(afterMs)} ms`;
        if (sentAt + afterMs > KILLED_AT_MS && sentAt < KILLED_AT_MS) {
          return sentAt + afterMs > KILLED_AT_MS + 7_000 ? failure : undefined;
        }
        if (sentAt < KILLED_AT_MS) return undefined;
        const isLate = afterMs > 600 || (sentAt > KILLED_AT_MS + 7_000 && why !== SESSION_GONE);
        return isLate || verdict !== 'not_executed' ? failure : undefined;
      }),
    TEST_TIMEOUT_MS,
  );
});

describe('forwarding over a relay that is down', () => {
  it(
    'delays no answer and recovers soon after the relay restarts',
    () =>
      expectCalls(restartedRelay, ({ name, sentAt, afterMs, verdict, why }) => {
        const failure = `${name}, sent at ${sentAt}, was answered ${verdict} (${why}) after ${Math.round(afterMs)} ms`;
        if (afterMs > 1_000) return failure;
        const isUndisturbed = sentAt + CALL_MS < RELAY_DOWN_AT_MS || sentAt > RELAY_UP_AT_MS + 2_000;
        return isUndisturbed && verdict !== 'success' && why !== OVERLOADED ? failure : undefined;
      }),
    TEST_TIMEOUT_MS,
  );
});
