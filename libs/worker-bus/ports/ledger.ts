/** Identifies one request of one worker, which `claim` and `revoke` decide about. */
export interface Ticket {
  /** Incarnation of the worker that sent the request. */
  readonly requester: string;
  /** Random id of the request, new for each request. */
  readonly request: string;
  /** State of the relay when the request was sent; it changes with a restart, a fail-over or a loss of data. */
  readonly generation: string;
  /** Time by the clock of the relay, in ms, from which the request can no longer be claimed. */
  readonly notAfter: number;
}

/** The first of `claim` and `revoke` wins, which is final. `stale`: the generation differs, so nothing is decided. */
export type ClaimVerdict = 'claimed' | 'taken' | 'revoked' | 'late' | 'stale';
export type RevokeVerdict = 'revoked' | 'claimed' | 'stale';

/** Decides finally whether a request may run. Both methods are atomic and reject with RelayFailure. */
export abstract class Ledger {
  /**
   * `claimed`: only the caller may ever run the request; `accept` was published to the replies of the requester in the
   * same step. `taken`: it was claimed before. `late`: the clock of the relay has passed `notAfter`.
   */
  abstract claim(ticket: Ticket, accept: Buffer): Promise<ClaimVerdict>;

  /** `revoked`: the request certainly never ran and never will. `claimed`: it runs or ran. */
  abstract revoke(ticket: Ticket): Promise<RevokeVerdict>;
}
