import type { Directory } from '../ports/index.js';

export type WorkerStatus = 'alive' | 'dead' | 'unknown';

/** What is remembered of workers that are gone for good; the relay remembers the rest. */
const MAX_REMEMBERED_DEAD = 1_000;

/** Finds out where a worker is that the list of the living does not name. */
export class WorkerStatusLookup {
  private readonly dead = new Set<string>();
  private readonly pending = new Map<string, Promise<WorkerStatus>>();

  constructor(
    private readonly directory: Directory,
    /** Asks the relay whether it has been up for long enough for every living worker to be announced. */
    private readonly isSettled: () => Promise<boolean>,
  ) {}

  /** Rejects with RelayFailure. However many ask about one worker, the relay is asked once. */
  lookUp(worker: string): Promise<WorkerStatus> {
    if (this.dead.has(worker)) return Promise.resolve('dead');
    const underWay = this.pending.get(worker);
    if (underWay) return underWay;
    const asked = this.query(worker)
      .then((found) => this.remember(worker, found))
      .finally(() => this.pending.delete(worker));
    this.pending.set(worker, asked);
    return asked;
  }

  private async query(worker: string): Promise<WorkerStatus> {
    const state = await this.directory.presenceOf(worker);
    if (state !== 'missing') return state === 'alive' ? 'alive' : 'dead';
    if (!(await this.isSettled())) return 'unknown';
    // Whoever is told that it is gone acts on that for good: so it must be for good.
    return (await this.directory.fence(worker)) ? 'dead' : 'alive';
  }

  private remember(worker: string, found: WorkerStatus): WorkerStatus {
    if (found !== 'dead') return found;
    const [oldest] = this.dead;
    if (oldest !== undefined && this.dead.size >= MAX_REMEMBERED_DEAD) this.dead.delete(oldest);
    this.dead.add(worker);
    return found;
  }
}
