/**
 * The next match of a global pattern from a place on. Searches keep their own place: another text may be searched with the same pattern
 * while a search pauses.
 */
export function matchAt(form: RegExp, text: string, start: number): RegExpExecArray | null {
  form.lastIndex = start;
  return form.exec(text);
}

/** The end of a run of characters, whose pattern is sticky. */
export function endOf(run: RegExp, text: string, start: number): number {
  run.lastIndex = start;
  return run.test(text) ? run.lastIndex : start;
}
