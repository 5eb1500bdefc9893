import type { Directory } from '../ports/index.js';

export type WorkerStatus = 'alive' | 'dead' | 'unknown';

/** Maximum number of dead workers remembered here; the relay remembers the others. */
const MAX_REMEMBERED_DEAD = 1_000;

/** Determines the status of workers that are missing from the list of alive workers. */
export class WorkerStatusLookup {
  private readonly dead = new Set<string>();
  private readonly pending = new Map<string, Promise<WorkerStatus>>();

  constructor(
    private readonly directory: Directory,
    /** Contacts the relay and returns whether every alive worker must have announced itself by now. */
    private readonly isSettled: () => Promise<boolean>,
  ) {}

  /** Concurrent calls for one worker share one query. Rejects with RelayFailure. */
  lookUp(worker: string): Promise<WorkerStatus> {
    if (this.dead.has(worker)) return Promise.resolve('dead');
    const inFlight = this.pending.get(worker);
    if (inFlight) return inFlight;
    const query = this.query(worker)
      .then((found) => this.remember(worker, found))
      .finally(() => this.pending.delete(worker));
    this.pending.set(worker, query);
    return query;
  }

  private async query(worker: string): Promise<WorkerStatus> {
    const state = await this.directory.presenceOf(worker);
    if (state !== 'missing') return state === 'alive' ? 'alive' : 'dead';
    if (!(await this.isSettled())) return 'unknown';
    // Callers act on `dead` irrevocably, so it must be final: fence the worker before reporting it.
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
