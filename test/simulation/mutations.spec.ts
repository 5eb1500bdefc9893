import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { scaleDeadline } from '#lib/testing/machine-speed';
import { violationsOf } from './invariants.js';
import { MUTATIONS } from './mutations.js';
import { run } from './run.js';
import { scenarios } from './scenarios.js';
import { HISTORIES } from './settings.js';

const MAX_RUNS = 5_000;
const FEW_RUNS = 100;
const TEST_TIMEOUT_MS = scaleDeadline(300_000);

describe('workers with all protections', () => {
  it.each(MUTATIONS)(
    'violate no invariant in the scenarios that need $what',
    async ({ family }) => {
      const broken: string[] = [];
      for (const scenario of fc.sample(scenarios(family), { numRuns: FEW_RUNS, seed: HISTORIES.seed })) {
        broken.push(...violationsOf(await run(scenario)));
      }
      expect(broken).toEqual([]);
    },
    TEST_TIMEOUT_MS,
  );
});

describe('workers without', () => {
  it.each(MUTATIONS)(
    '$what violate an invariant',
    async ({ flaws, family, breaks }) => {
      const broken: string[] = [];
      for (const scenario of fc.sample(scenarios(family), { numRuns: MAX_RUNS, seed: HISTORIES.seed })) {
        broken.push(...violationsOf(await run(scenario, flaws())));
        if (broken.some((violation) => violation.startsWith(breaks))) break;
      }
      expect(broken.filter((violation) => violation.startsWith(breaks))).not.toEqual([]);
    },
    TEST_TIMEOUT_MS,
  );
});
