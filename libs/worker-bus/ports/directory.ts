/** What the relay says to a worker that announces itself. */
export interface Announced {
  /** State of the relay, as tickets name it. */
  readonly generation: string;
  /** The relay's own clock, ms. */
  readonly now: number;
  /** Somebody has declared this worker gone: it must serve nothing that it owned. */
  readonly buried: boolean;
}

/** `missing`: not announced, and nobody has declared it gone. */
export type WorkerState = 'alive' | 'buried' | 'missing';

/** Which workers there are. Every method rejects with RelayFailure. */
export abstract class Directory {
  /** Says that the worker lives, for `ttlMs`. Does not bring back a buried one. */
  abstract announce(worker: string, ttlMs: number): Promise<Announced>;

  /** Incarnations of the workers that are announced and not buried. */
  abstract living(): Promise<readonly string[]>;

  abstract stateOf(worker: string): Promise<WorkerState>;

  /** Declares a worker gone unless it is announced; what remains is true for good. Says whether it is buried now. */
  abstract bury(worker: string): Promise<boolean>;

  /** A worker takes leave: not announced any more, and buried. */
  abstract leave(worker: string): Promise<void>;
}
