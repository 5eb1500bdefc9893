/** What a test has to end, such as processes and browsers. */
export class Cleanup {
  private readonly steps: (() => unknown)[] = [];

  /** Runs the step at the end, before those that were added earlier. */
  add(step: () => unknown): void {
    this.steps.push(step);
  }

  /** Runs every step, including those after one that fails. @throws AggregateError with all failures */
  async run(): Promise<void> {
    const failures: unknown[] = [];
    for (const step of this.steps.splice(0).toReversed())
      try {
        await step();
      } catch (failure) {
        failures.push(failure);
      }
    if (failures.length > 0) throw new AggregateError(failures, 'The clean-up failed.');
  }
}
