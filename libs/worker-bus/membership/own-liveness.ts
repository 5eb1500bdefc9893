import type { Clock } from '#lib/time';
import { HEARTBEAT_RETRY_INTERVAL_MS, OWN_LIVENESS_TIMEOUT_MS, OWN_LIVENESS_TTL_MS } from '../protocol.js';
import { retry } from '../retry.js';

/**
 * Knows whether this worker is fenced. After a suspension (SIGSTOP, a suspended machine) other workers may have fenced
 * it, and only the reply to an announcement that began afterwards can say so: a failed one proves nothing.
 */
export class OwnLiveness {
  /** Start of the latest finished announcement: its reply may be that old. */
  private attemptedAt = -Infinity;
  /** Start of the first announcement after a suspension, until the relay has replied to one. */
  private unconfirmedSince: number | undefined;
  private confirmation: { readonly at: number; readonly isAlive: Promise<boolean> } | undefined;
  private fenced = false;

  constructor(
    private readonly timer: Clock,
    private readonly announce: () => Promise<void>,
  ) {}

  /** Whether this worker knows that it is fenced, without querying the relay. */
  get isFenced(): boolean {
    return this.fenced;
  }

  /** Follows one announcement. Returns true if its reply is the first to say that this worker is fenced. */
  async follow(announcing: Promise<{ readonly fenced: boolean }>): Promise<boolean> {
    const begun = this.timer.monotonicNow();
    if (this.attemptedAt > -Infinity && begun - this.attemptedAt > OWN_LIVENESS_TTL_MS) this.unconfirmedSince ??= begun;
    try {
      const { fenced } = await announcing;
      if (this.unconfirmedSince !== undefined && begun >= this.unconfirmedSince) this.unconfirmedSince = undefined;
      const isNewlyFenced = fenced && !this.fenced;
      this.fenced ||= fenced;
      return isNewlyFenced;
    } finally {
      this.attemptedAt = Math.max(this.attemptedAt, begun);
    }
  }

  /**
   * Returns false once this worker is fenced. Returns a promise only after a suspension. While the relay cannot be
   * reached for `OWN_LIVENESS_TIMEOUT_MS`, the worker counts as alive: its own sessions survive an outage.
   */
  check(): boolean | Promise<boolean> {
    if (this.fenced) return false;
    const now = this.timer.monotonicNow();
    const wasSuspended = now - this.attemptedAt > OWN_LIVENESS_TTL_MS;
    if (!wasSuspended && this.unconfirmedSince === undefined) return true;
    // A confirmation that began before the suspension says nothing about the time since.
    if (!this.confirmation || (wasSuspended && now - this.confirmation.at > OWN_LIVENESS_TTL_MS)) this.confirm(now);
    return this.confirmation?.isAlive ?? true;
  }

  private confirm(at: number): void {
    const isAlive = retry(
      this.timer,
      { timeoutMs: OWN_LIVENESS_TIMEOUT_MS, intervalMs: HEARTBEAT_RETRY_INTERVAL_MS, isNeeded: () => !this.fenced },
      async () => {
        await this.announce();
        return this.unconfirmedSince === undefined;
      },
    ).then(() => {
      if (this.confirmation === confirmation) this.confirmation = this.unconfirmedSince = undefined;
      return !this.fenced;
    });
    const confirmation = { at, isAlive };
    this.confirmation = confirmation;
  }
}
