import { expect, it } from '@jest/globals';
import { nextState, type Finding, type ServerState } from './server-state.js';

const THRESHOLDS = { downAfter: 3, upAfter: 2 };
const RESULTS: Readonly<Record<string, Finding>> = {
  '+': { answered: true, latencyMs: 5 },
  '-': { answered: false, latencyMs: 7, code: -31_004, reason: 'refused' },
  '.': { idle: true },
};

/** The states after each check, one second apart. */
function statesAfter(checks: string): ServerState[] {
  const states: ServerState[] = [];
  Array.from(checks).forEach((check, index) => {
    const result = RESULTS[check];
    if (result) states.push(nextState(states.at(-1), result, THRESHOLDS, { now: (index + 1) * 1_000, worker: 'w' }));
  });
  return states;
}

it.each([
  ['+', 'up'],
  ['--', 'unknown unknown'],
  ['---', 'unknown unknown down'],
  ['+--+--', 'up up up up up up'],
  ['+----', 'up up up down down'],
  ['---++', 'unknown unknown down down up'],
  ['---+-+++', 'unknown unknown down down down down up up'],
  ['.', 'idle'],
  ['.+.', 'idle up idle'],
  ['---.', 'unknown unknown down idle'],
  ['.---', 'idle idle idle down'],
  ['+--.--', 'up up up idle idle idle'],
])('the checks %s result in the states %s', (checks, expected) => {
  expect(
    statesAfter(checks)
      .map(({ state }) => state)
      .join(' '),
  ).toBe(expected);
});

it('a state tells since when it lasts, how the last check went and why the last failed one failed', () => {
  expect(statesAfter('+---+').at(-1)).toEqual({
    state: 'down',
    since: 4_000,
    checkedAt: 5_000,
    checkedBy: 'w',
    latencyMs: 5,
    failures: 0,
    successes: 1,
    changes: 2,
    lastError: { at: 4_000, code: -31_004, reason: 'refused' },
  });
});
