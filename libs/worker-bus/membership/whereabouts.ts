import type { Directory } from '../ports/index.js';

export type Whereabout = 'alive' | 'gone' | 'unsure';

/** What is remembered of workers that are gone for good; the relay remembers the rest. */
const MOST_REMEMBERED = 1_000;

/** Finds out where a worker is that the list of the living does not name. */
export class Whereabouts {
  private readonly gone = new Set<string>();
  private readonly asking = new Map<string, Promise<Whereabout>>();

  constructor(
    private readonly directory: Directory,
    /** Asks the relay whether it has been up for long enough for every living worker to be announced. */
    private readonly isSettled: () => Promise<boolean>,
  ) {}

  /** Rejects with RelayFailure. However many ask about one worker, the relay is asked once. */
  ask(worker: string): Promise<Whereabout> {
    if (this.gone.has(worker)) return Promise.resolve('gone');
    const underWay = this.asking.get(worker);
    if (underWay) return underWay;
    const asked = this.find(worker)
      .then((found) => this.remember(worker, found))
      .finally(() => this.asking.delete(worker));
    this.asking.set(worker, asked);
    return asked;
  }

  private async find(worker: string): Promise<Whereabout> {
    const state = await this.directory.stateOf(worker);
    if (state !== 'missing') return state === 'alive' ? 'alive' : 'gone';
    if (!(await this.isSettled())) return 'unsure';
    // Whoever is told that it is gone acts on that for good: so it must be for good.
    return (await this.directory.bury(worker)) ? 'gone' : 'alive';
  }

  private remember(worker: string, found: Whereabout): Whereabout {
    if (found !== 'gone') return found;
    const [oldest] = this.gone;
    if (oldest !== undefined && this.gone.size >= MOST_REMEMBERED) this.gone.delete(oldest);
    this.gone.add(worker);
    return found;
  }
}
