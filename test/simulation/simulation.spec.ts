import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { violationsOf } from './invariants.js';
import { REGRESSIONS } from './regressions.js';
import { run } from './run.js';
import { scenarios } from './scenarios.js';
import { HISTORIES, TEST_TIMEOUT_MS } from './settings.js';

const FEW = { ...HISTORIES, numRuns: Math.ceil(HISTORIES.numRuns / 10) };

describe('workers that forward to each other', () => {
  // About 45 s: 10,000 histories, of which a defect of the protocol shows in a few.
  it(
    'violate no invariant under any combination of faults',
    async () => {
      await fc.assert(
        fc.asyncProperty(fc.oneof(scenarios(), scenarios(), scenarios({ isConcurrent: true })), async (scenario) => {
          expect(violationsOf(await run(scenario))).toEqual([]);
        }),
        HISTORIES,
      );
    },
    TEST_TIMEOUT_MS,
  );

  it(
    'never answer unknown without a fault',
    async () => {
      const peaceful = scenarios({ faults: [], behaviours: ['ok'], cancels: false, hasTightBudgets: false });
      await fc.assert(
        fc.asyncProperty(peaceful, async (scenario) => {
          const over = await run(scenario);
          const all = over.runLog.all().flatMap(({ answers }) => answers);
          expect(all.filter(({ verdict }) => verdict !== 'success' && verdict !== 'not_executed')).toEqual([]);
          expect(violationsOf(over)).toEqual([]);
        }),
        FEW,
      );
    },
    TEST_TIMEOUT_MS,
  );

  it('violate no invariant in the scenarios of earlier defects', async () => {
    for (const { what, scenario } of REGRESSIONS) {
      expect({ what, violations: violationsOf(await run(scenario)) }).toEqual({ what, violations: [] });
    }
  });
});
