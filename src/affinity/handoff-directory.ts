/**
 * Records, beyond the life of a worker, which worker received each of its sessions. Every method rejects with
 * RelayFailure when the record cannot be reached.
 */
export abstract class HandoffDirectory {
  /** Returns the id of the worker that owns the session now, or undefined when the session was never handed off. */
  abstract findNewOwner(session: string): Promise<string | undefined>;

  abstract record(session: string, newOwner: string): Promise<void>;

  /** Removes the record of a handoff that the receiver rejected after all. */
  abstract remove(session: string): Promise<void>;
}
