import { TooManyProcesses } from './session-pool.errors.js';

/** Counts the child processes of each server. A client chooses how many there are: by what it declares. */
export class ChildProcesses {
  private readonly running = new Map<string, number>();

  constructor(private readonly limit: number) {}

  /**
   * Takes a place. At the bound `makeRoom` may first end one that nobody needs. Returns how to give the place back.
   * @throws TooManyProcesses
   */
  take(slug: string, makeRoom: () => void): () => void {
    if (this.of(slug) >= this.limit) makeRoom();
    if (this.of(slug) >= this.limit) throw new TooManyProcesses(slug, this.limit);
    this.running.set(slug, this.of(slug) + 1);
    return () => {
      const left = this.of(slug) - 1;
      if (left > 0) this.running.set(slug, left);
      else this.running.delete(slug);
    };
  }

  private of(slug: string): number {
    return this.running.get(slug) ?? 0;
  }
}
