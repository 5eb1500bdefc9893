import { describe, expect, it } from '@jest/globals';
import { ManualClock } from '#lib/testing/manual-clock';
import { DecisionCounts } from './decision-counts.js';
import type { Decision } from './decision.js';

const MINUTE_MS = 60_000;
const LABELS = { guardrail: 'no-keys', check: 'secrets', phase: 'results', mode: 'enforce' } as const;
const PASSED: Decision = { ...LABELS, decision: 'passed', findings: [] };
const REFUSED: Decision = { ...LABELS, decision: 'refused', findings: [] };

function openCounts() {
  const clock = new ManualClock();
  return { clock, counts: new DecisionCounts(clock) };
}

describe('the counts of decisions', () => {
  it('count by their labels since the worker started', async () => {
    const { clock, counts } = openCounts();
    counts.add([PASSED, REFUSED]);
    await clock.advance(90 * MINUTE_MS);
    counts.add([PASSED]);
    expect(counts.list()).toEqual([
      { ...LABELS, decision: 'passed', count: 2 },
      { ...LABELS, decision: 'refused', count: 1 },
    ]);
  });

  it('of the last hour forget what is older', async () => {
    const { clock, counts } = openCounts();
    counts.add([PASSED, REFUSED]);
    await clock.advance(30 * MINUTE_MS);
    counts.add([PASSED]);
    expect(counts.listRecent().map(({ count }) => count)).toEqual([2, 1]);
    await clock.advance(29 * MINUTE_MS);
    expect(counts.listRecent().map(({ count }) => count)).toEqual([2, 1]);
    await clock.advance(MINUTE_MS);
    expect(counts.listRecent()).toEqual([{ ...LABELS, decision: 'passed', count: 1 }]);
    await clock.advance(30 * MINUTE_MS);
    expect(counts.listRecent()).toEqual([]);
  });

  it('of the last hour are right again after days without a decision', async () => {
    const { clock, counts } = openCounts();
    counts.add([PASSED]);
    await clock.advance(3_001 * MINUTE_MS);
    counts.add([PASSED, PASSED]);
    expect(counts.listRecent()).toEqual([{ ...LABELS, decision: 'passed', count: 2 }]);
  });
});
