import { setImmediate } from 'node:timers/promises';

/**
 * Work on texts in steps. It yields how much each step takes before it takes it, in units: a unit is a simple search through one
 * character.
 */
export type TextWork<Result> = Generator<number, Result, void>;

/** Maximum work on one value, in units. This much takes less than two seconds. */
export const MAX_TEXT_WORK = 32 * 1024 * 1024;
/** Maximum work of one step, in units: nothing interrupts a step. This much takes at most 0.3 s. */
export const MAX_STEP_WORK = 4 * 1024 * 1024;
/** Maximum length of one text, in UTF-16 code units: the slowest searches take at most 0.3 s for it. */
export const MAX_TEXT_CHARACTERS = 2 * 1024 * 1024;
/** Work after which other calls have their turn, in units. This much takes a few milliseconds, 20 for hostile texts. */
export const MAX_SLICE_WORK = 1024 * 1024;

/** A text takes this much more than its characters, so that many short texts count as well. */
const WORK_PER_TEXT = 8;
/** The work of examining a part of a text that may be what is searched for. */
export const WORK_PER_CANDIDATE = 32;

/** A value needs more work than a guardrail does. */
export class TooMuchText extends Error {
  override readonly name = 'TooMuchText';

  constructor() {
    super('The value has more text than a guardrail reads in a reasonable time.');
  }
}

/**
 * The work of a search through a text.
 *
 * @param costPerCharacter the time of a character, in proportion to that of a simple search
 * @throws TooMuchText for a text that is too long for any search
 */
export function workOfSearch(text: string, costPerCharacter: number): number {
  if (text.length > MAX_TEXT_CHARACTERS) throw new TooMuchText();
  return (text.length + WORK_PER_TEXT) * costPerCharacter;
}

/**
 * Does work on texts. Work of less than one slice is done at once. Longer work is done in slices, between which the event loop turns:
 * the result is then a promise.
 *
 * @param signal ends the work before its next slice; the promise is rejected with the reason of the signal
 * @throws TooMuchText also as a rejection
 */
export function doTextWork<Result>(work: TextWork<Result>, signal: AbortSignal): Result | Promise<Result> {
  const budget = new WorkBudget();
  const step = doSlice(work, budget);
  return step.done === true ? step.value : doFurtherSlices(work, budget, signal);
}

async function doFurtherSlices<Result>(
  work: TextWork<Result>,
  budget: WorkBudget,
  signal: AbortSignal,
): Promise<Result> {
  for (;;) {
    // Timers, such as that of a deadline, and other calls have their turn.
    await setImmediate();
    signal.throwIfAborted();
    const step = doSlice(work, budget);
    if (step.done === true) return step.value;
  }
}

/** Does steps until the work ends, or the next step belongs to another slice. */
function doSlice<Result>(work: TextWork<Result>, budget: WorkBudget): IteratorResult<number, Result> {
  for (;;) {
    const step = work.next();
    if (step.done === true || budget.exceedsSlice(step.value)) return step;
  }
}

class WorkBudget {
  private total = 0;
  private ofSlice = 0;

  /** Counts the next step. Returns whether it begins another slice. */
  exceedsSlice(units: number): boolean {
    this.total += units;
    if (this.total > MAX_TEXT_WORK || units > MAX_STEP_WORK) throw new TooMuchText();
    this.ofSlice += units;
    if (this.ofSlice <= MAX_SLICE_WORK) return false;
    this.ofSlice = units;
    return true;
  }
}
