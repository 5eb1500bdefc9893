/** Reports the liveness of workers. A worker id that was once reported dead never becomes alive again. */
export abstract class WorkerRegistry {
  /** Ids of the alive workers, including this one. */
  abstract readonly aliveIds: readonly string[];

  /** Updates `aliveIds`, as far as the other workers are reachable. */
  abstract refresh(): Promise<void>;

  /**
   * Returns undefined while this worker's own heartbeat is current. After a long pause it returns a promise that
   * resolves once the heartbeat was checked; if another worker has declared this one dead, its sessions have ended by
   * then.
   */
  abstract checkOwnLiveness(): void | Promise<void>;

  /**
   * Returns `dead` only when it is final: that worker never serves again what it owned. Returns `unknown` when the
   * status cannot be determined yet; callers must not treat it as `dead`. Rejects with RelayFailure when the relay is
   * unavailable.
   */
  abstract status(worker: string): Promise<'alive' | 'dead' | 'unknown'>;

  /** Returns whether the worker has been declared dead. Rejects with RelayFailure. */
  abstract isFenced(worker: string): Promise<boolean>;

  /**
   * Calls the listener once another worker has declared this one dead: it must not serve anything that it owned. Modules
   * register their listeners when they are created.
   */
  abstract onFenced(listener: () => void): void;

  /** Calls the listener when a worker has died. Returns a function that removes the listener. */
  abstract onWorkerDead(listener: () => void): () => void;
}
