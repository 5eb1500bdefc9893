/**
 * Looks at what others may have changed. Whoever asks is answered by a look that began after that: one that was under way
 * already says nothing of what was changed meanwhile. All who ask at once share one.
 */
export class LatestLook {
  private looking: Promise<void> | undefined;

  /** `look` never rejects. */
  constructor(private readonly look: () => Promise<void>) {}

  async refresh(): Promise<void> {
    await this.looking;
    this.looking ??= this.look().finally(() => {
      this.looking = undefined;
    });
    await this.looking;
  }

  /** Resolves when nobody looks any more. */
  async settled(): Promise<void> {
    await this.looking;
  }
}
