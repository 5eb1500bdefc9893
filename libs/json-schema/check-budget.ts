/**
 * Maximum work of one check, in units of about 50 ns: the schemas that are applied, and the characters that patterns read. The
 * schema is the operator's and the value the caller's, and together they may need seconds in which the worker does nothing else.
 */
const MAX_WORK = 5_000_000;

/** A check would take too long. */
export class TooMuchWork extends Error {
  override readonly name = 'TooMuchWork';
}

let spent = 0;

/** Starts a check. Checks are synchronous, so there is one at a time. */
export function startBudget(): void {
  spent = 0;
}

/** Counts work before it is done. @throws TooMuchWork */
export function spend(units: number): void {
  spent += units;
  if (spent > MAX_WORK) throw new TooMuchWork('The check takes too long.');
}
