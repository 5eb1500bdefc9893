/**
 * Looks at what others may have changed. Whoever asks is answered by a look that began after that: one that was under way
 * already says nothing of what was changed meanwhile. All who ask at once share one.
 */
export class CoalescedRefresh {
  private running: Promise<void> | undefined;

  /** `readLists` never rejects. */
  constructor(private readonly load: () => Promise<void>) {}

  async refresh(): Promise<void> {
    await this.running;
    this.running ??= this.load().finally(() => {
      this.running = undefined;
    });
    await this.running;
  }

  /** Resolves when nobody looks any more. */
  async whenIdle(): Promise<void> {
    await this.running;
  }
}
