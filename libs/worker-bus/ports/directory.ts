/** What the relay says to a worker that announces itself. */
export interface AnnounceReply {
  /** State of the relay, as tickets name it. */
  readonly generation: string;
  /** The relay's own clock, ms. */
  readonly now: number;
  /** Somebody has declared this worker gone: it must serve nothing that it owned. */
  readonly fenced: boolean;
}

/** `missing`: not announced, and nobody has declared it gone. */
export type WorkerPresence = 'alive' | 'fenced' | 'missing';

/** Which workers there are. Every method rejects with RelayFailure. */
export abstract class Directory {
  /** Says that the worker lives, for `ttlMs`. Does not bring back a buried one. */
  abstract announce(worker: string, ttlMs: number): Promise<AnnounceReply>;

  /** Incarnations of the workers that are announced and not buried. */
  abstract aliveWorkers(): Promise<readonly string[]>;

  abstract presenceOf(worker: string): Promise<WorkerPresence>;

  /** Declares a worker gone unless it is announced; what remains is true for good. Says whether it is buried now. */
  abstract fence(worker: string): Promise<boolean>;

  /** A worker takes leave: not announced any more, and buried. */
  abstract leave(worker: string): Promise<void>;
}
