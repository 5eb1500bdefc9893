/** Destination of a frame: the inbox receives requests to a worker, the replies those to requests of the worker. */
export interface Address {
  /** Incarnation of the worker. */
  readonly worker: string;
  readonly box: 'inbox' | 'replies';
}

/** Receives the frames of one worker. Must neither throw nor block. */
export interface Mailbox {
  request(frame: Buffer): void;
  reply(frame: Buffer): void;
}

/** Carries frames between workers: at most once, in the order of publishing per box, to the current subscriber only. */
export abstract class Wire {
  /** Subscribes to the frames of a worker. Resolves once the subscription exists. Rejects with RelayFailure. */
  abstract listen(worker: string, mailbox: Mailbox): Promise<void>;

  /**
   * Resolves with the number of receivers; with several nodes, with the receivers at one node only.
   * Rejects with RelayFailure.
   */
  abstract publish(to: Address, frame: Buffer): Promise<number>;

  /** Calls `listener` when a connection broke and frames may be lost. Returns a function that removes the listener. */
  abstract onBroken(listener: () => void): () => void;
}

/** The relay cannot be reached, or did not reply. */
export class RelayFailure extends Error {
  override readonly name = 'RelayFailure';

  constructor(
    /** True if the command may still have been executed. */
    readonly attempted: boolean,
    cause?: unknown,
  ) {
    super(attempted ? 'The relay did not confirm the command.' : 'The relay cannot be reached.', { cause });
  }
}
