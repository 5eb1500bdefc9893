/** Remembers, beyond the life of a worker, to whom it gave its sessions. Every method rejects with RelayFailure. */
export abstract class HandoffDirectory {
  /** Incarnation of the worker that has the session now; undefined when nobody was given it. */
  abstract findNewOwner(session: string): Promise<string | undefined>;

  abstract record(session: string, heir: string): Promise<void>;

  /** The heir did not take it after all. */
  abstract remove(session: string): Promise<void>;
}
