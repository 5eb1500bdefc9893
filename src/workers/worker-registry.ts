/** Which workers there are, as far as this one can tell. */
export abstract class WorkerRegistry {
  /** Incarnations of the workers that live, this one among them. */
  abstract readonly aliveIds: readonly string[];

  /** Brings `living` up to date, as far as the others can be asked. */
  abstract refresh(): Promise<void>;

  /**
   * Returns nothing while this worker's own pulse is known. After a long sleep it has to be asked for first: the
   * promise resolves once that is done; if somebody has declared this worker gone, its sessions have ended by then.
   */
  abstract checkOwnLiveness(): void | Promise<void>;

  /**
   * `gone`: for good, nothing that it owned will ever be served by it again. `unsure`: it cannot be told yet. Rejects
   * with RelayFailure when the others cannot be asked.
   */
  abstract status(worker: string): Promise<'alive' | 'gone' | 'unsure'>;

  /** Whether somebody has declared the worker gone, as of now. Rejects with RelayFailure. */
  abstract isFenced(worker: string): Promise<boolean>;

  /**
   * Calls back once another worker has declared this one gone: nothing that it owns may be served any more. Modules do so
   * when they are created.
   */
  abstract onFenced(listener: () => void): void;

  /** Calls back when a worker has gone. Returns how to take that back. */
  abstract onWorkerDead(listener: () => void): () => void;
}
