import { describe, expect, it } from '@jest/globals';
import { Deadlines } from '../channels/deadlines.js';
import { CancelledCalls } from './cancelled-calls.js';

const of = (principal: string) => ({ principal, client: principal });

describe('calls that were given up', () => {
  const some = () => new CancelledCalls({ deadlines: new Deadlines(), requestMs: 1_000 });

  it('concern whoever is not known to be the same', () => {
    const calls = some();
    calls.add(1, of('me'));
    expect([of('me'), of('you'), undefined].map((asker) => calls.mayBelongToOthers(asker))).toEqual([
      false,
      true,
      true,
    ]);
    calls.add(2, undefined);
    expect(calls.mayBelongToOthers(of('me'))).toBe(true);
    calls.answered(2);
    expect(calls.mayBelongToOthers(of('me'))).toBe(false);
  });

  it('are not forgotten when there are many, only which they were', () => {
    const calls = some();
    calls.add(0, of('you'));
    for (let id = 1; id <= 2_000; id += 1) calls.add(id, of('me'));
    expect([of('me'), of('you')].map((asker) => calls.mayBelongToOthers(asker))).toEqual([true, true]);
    const mine = some();
    for (let id = 1; id <= 2_000; id += 1) mine.add(id, of('me'));
    expect([of('me'), of('you')].map((asker) => mine.mayBelongToOthers(asker))).toEqual([false, true]);
  });
});
