/** Remembers, beyond the life of a worker, to whom it gave its sessions. Every method rejects with RelayFailure. */
export abstract class Heirs {
  /** Incarnation of the worker that has the session now; undefined when nobody was given it. */
  abstract of(session: string): Promise<string | undefined>;

  abstract remember(session: string, heir: string): Promise<void>;

  /** The heir did not take it after all. */
  abstract forget(session: string): Promise<void>;
}
