/** Where a frame goes: what is asked of a worker, or what it is told about what it asked itself. */
export interface Address {
  /** Incarnation of the worker. */
  readonly worker: string;
  readonly box: 'inbox' | 'replies';
}

/** Takes the frames that arrive for one worker. Must not throw, and must not wait. */
export interface Mailbox {
  request(frame: Buffer): void;
  reply(frame: Buffer): void;
}

/** Carries frames between workers: at most once, each box in the order of publishing, to whoever listens at that moment. */
export abstract class Wire {
  /** Frames published to the worker from now on arrive. Resolves once the subscription is there. Rejects with RelayFailure. */
  abstract listen(worker: string, mailbox: Mailbox): Promise<void>;

  /**
   * Resolves with how many received it; where several nodes share the work, with those of one node only.
   * Rejects with RelayFailure.
   */
  abstract publish(to: Address, frame: Buffer): Promise<number>;

  /** Calls back when frames for this worker may have been missed: a connection broke. Returns how to take that back. */
  abstract onBroken(listener: () => void): () => void;
}

/** The relay could not be asked, or did not say. */
export class RelayFailure extends Error {
  override readonly name = 'RelayFailure';

  constructor(
    /** True when the command may have been carried out all the same. */
    readonly attempted: boolean,
    cause?: unknown,
  ) {
    super(attempted ? 'The relay did not say whether it did.' : 'The relay cannot be reached.', { cause });
  }
}
