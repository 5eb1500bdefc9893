import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { scaleDeadline } from '#lib/testing/machine-speed';
import { violationsOf } from './invariants.js';
import { MUTATIONS } from './mutations.js';
import { run } from './run.js';
import { scenarios } from './scenarios.js';
import { HISTORIES } from './settings.js';

const MOST_RUNS = 5_000;
const FEW_RUNS = 100;
const PATIENCE_MS = scaleDeadline(300_000);

describe('workers that lack nothing', () => {
  it.each(MUTATIONS)(
    'keep every promise where those without $what do not',
    async ({ family }) => {
      const broken: string[] = [];
      for (const scenario of fc.sample(scenarios(family), { numRuns: FEW_RUNS, seed: HISTORIES.seed })) {
        broken.push(...violationsOf(await run(scenario)));
      }
      expect(broken).toEqual([]);
    },
    PATIENCE_MS,
  );
});

describe('workers that lack', () => {
  it.each(MUTATIONS)(
    '$what break a promise',
    async ({ flaws, family, breaks }) => {
      const broken: string[] = [];
      for (const scenario of fc.sample(scenarios(family), { numRuns: MOST_RUNS, seed: HISTORIES.seed })) {
        broken.push(...violationsOf(await run(scenario, flaws())));
        if (broken.some((violation) => violation.startsWith(breaks))) break;
      }
      expect(broken.filter((violation) => violation.startsWith(breaks))).not.toEqual([]);
    },
    PATIENCE_MS,
  );
});
