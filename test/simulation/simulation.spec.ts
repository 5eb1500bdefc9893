import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { violationsOf } from './invariants.js';
import { REGRESSIONS } from './regressions.js';
import { run } from './run.js';
import { scenarios } from './scenarios.js';

const RUNS = Number(process.env['ISTHMUS_SIMULATION_RUNS'] ?? 10_000);
/** The same histories each time, unless others are asked for. */
const SEED = Number(process.env['ISTHMUS_SIMULATION_SEED'] ?? 20_251_122);
/** A run takes a few ms; a machine that is busy with other things gets its time. */
const PATIENCE_MS = 60_000 + RUNS * 100;
const FEW = { numRuns: Math.ceil(RUNS / 10), seed: SEED };

describe('workers that forward to each other', () => {
  it(
    'keep every promise, whatever befalls them',
    async () => {
      await fc.assert(
        fc.asyncProperty(scenarios(), async (scenario) => {
          expect(violationsOf(await run(scenario))).toEqual([]);
        }),
        { numRuns: RUNS, seed: SEED },
      );
    },
    PATIENCE_MS,
  );

  it(
    'leave nothing unknown where nothing fails',
    async () => {
      const peaceful = scenarios({ faults: [], behaviours: ['ok'], cancels: false, hurries: false });
      await fc.assert(
        fc.asyncProperty(peaceful, async (scenario) => {
          const over = await run(scenario);
          const answers = over.chronicle.all().flatMap(({ answers: told }) => told);
          expect(answers.filter(({ verdict }) => verdict !== 'success' && verdict !== 'not_executed')).toEqual([]);
          expect(violationsOf(over)).toEqual([]);
        }),
        FEW,
      );
    },
    PATIENCE_MS,
  );

  it('do not do again what they once did', async () => {
    for (const { what, scenario } of REGRESSIONS) {
      expect({ what, violations: violationsOf(await run(scenario)) }).toEqual({ what, violations: [] });
    }
  });
});
