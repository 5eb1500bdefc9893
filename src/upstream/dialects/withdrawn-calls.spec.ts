import { describe, expect, it } from '@jest/globals';
import { Deadlines } from '../channels/deadlines.js';
import { WithdrawnCalls } from './withdrawn-calls.js';

const identity = (principal: string) => ({ principal, client: principal });

describe('CancelledCalls', () => {
  const create = () => new WithdrawnCalls({ deadlines: new Deadlines(), requestMs: 1_000 });

  it('may belong to others for every identity that is not certainly the principal of all cancelled calls', () => {
    const calls = create();
    calls.add(1, of('me'));
    expect([of('me'), of('you'), undefined].map((asker) => calls.mayConcernOthersThan(asker))).toEqual([
      false,
      true,
      true,
    ]);
    calls.add(2, undefined);
    expect(calls.mayConcernOthersThan(of('me'))).toBe(true);
    calls.answered(2);
    expect(calls.mayConcernOthersThan(of('me'))).toBe(false);
  });

  it('still counts the principals of calls that were evicted because there were too many', () => {
    const calls = create();
    calls.add(0, of('you'));
    for (let id = 1; id <= 2_000; id += 1) calls.add(id, of('me'));
    expect([of('me'), of('you')].map((asker) => calls.mayConcernOthersThan(asker))).toEqual([true, true]);
    const mine = create();
    for (let id = 1; id <= 2_000; id += 1) mine.add(id, of('me'));
    expect([of('me'), of('you')].map((asker) => mine.mayConcernOthersThan(asker))).toEqual([false, true]);
  });
});
