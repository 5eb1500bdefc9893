/** Reply of the relay to an announcement. */
export interface AnnounceReply {
  /** State of the relay, as named in tickets. */
  readonly generation: string;
  /** Clock of the relay, in ms. */
  readonly now: number;
  /** Another worker has declared this one dead: it must not serve anything that it owned. */
  readonly fenced: boolean;
}

/** `fenced`: declared dead, which is final. `missing`: neither announced nor declared dead. */
export type WorkerPresence = 'alive' | 'fenced' | 'missing';

/** Records the presence of workers. Every method rejects with RelayFailure. */
export abstract class Directory {
  /** Announces that the worker is alive for `ttlMs`. A fenced worker stays fenced. */
  abstract announce(worker: string, ttlMs: number): Promise<AnnounceReply>;

  /** Returns the incarnations of the workers that are announced and not fenced. */
  abstract aliveWorkers(): Promise<readonly string[]>;

  abstract presenceOf(worker: string): Promise<WorkerPresence>;

  /** Declares a worker dead unless it is announced. Returns whether the worker is fenced now, which is final. */
  abstract fence(worker: string): Promise<boolean>;

  /** Withdraws the announcement of a worker and fences it. */
  abstract leave(worker: string): Promise<void>;
}
