/** What claim and revoke decide about: one request of one worker. */
export interface Ticket {
  /** Incarnation of the worker that asks. */
  readonly requester: string;
  /** Random name of the request, new for each. */
  readonly request: string;
  /** State of the relay that the request was sent under; after a restart, a fail-over or a loss of data it is another. */
  readonly generation: string;
  /** By the relay's own clock, in ms: from then on nobody can claim. */
  readonly notAfter: number;
}

/** Which of `claim` and `revoke` came first is decided for good; `stale`: under another generation nothing is decided. */
export type ClaimVerdict = 'claimed' | 'taken' | 'revoked' | 'late' | 'stale';
export type RevokeVerdict = 'revoked' | 'claimed' | 'stale';

/** Decides once and for all whether a request may run. Both methods are atomic and reject with RelayFailure. */
export abstract class Ledger {
  /**
   * `claimed`: the caller, and nobody else ever, may run the request; `accept` was published to the requester's
   * replies in the same step. `taken`: it was claimed before. `late`: the relay's clock has passed `notAfter`.
   */
  abstract claim(ticket: Ticket, accept: Buffer): Promise<ClaimVerdict>;

  /** `revoked`: it is certain that the request never ran and never will. `claimed`: it runs or ran. */
  abstract revoke(ticket: Ticket): Promise<RevokeVerdict>;
}
