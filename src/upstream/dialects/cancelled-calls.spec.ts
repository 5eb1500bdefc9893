import { describe, expect, it } from '@jest/globals';
import { ManualClock } from '#lib/testing/manual-clock';
import { Deadlines } from '../channels/deadlines.js';
import { CancelledCalls } from './cancelled-calls.js';

const identity = (principal: string) => ({ principal, client: principal });

describe('CancelledCalls', () => {
  const create = () => new CancelledCalls({ deadlines: new Deadlines(new ManualClock()), requestMs: 1_000 });

  it('may belong to others for every identity that is not certainly the principal of all cancelled calls', () => {
    const calls = create();
    calls.add(1, identity('me'));
    expect([identity('me'), identity('you'), undefined].map((caller) => calls.mayBelongToOthers(caller))).toEqual([
      false,
      true,
      true,
    ]);
    calls.add(2, undefined);
    expect(calls.mayBelongToOthers(identity('me'))).toBe(true);
    calls.answered(2);
    expect(calls.mayBelongToOthers(identity('me'))).toBe(false);
  });

  it('still counts the principals of calls that were evicted because there were too many', () => {
    const calls = create();
    calls.add(0, identity('you'));
    for (let id = 1; id <= 2_000; id += 1) calls.add(id, identity('me'));
    expect([identity('me'), identity('you')].map((caller) => calls.mayBelongToOthers(caller))).toEqual([true, true]);
    const mine = create();
    for (let id = 1; id <= 2_000; id += 1) mine.add(id, identity('me'));
    expect([identity('me'), identity('you')].map((caller) => mine.mayBelongToOthers(caller))).toEqual([false, true]);
  });
});
