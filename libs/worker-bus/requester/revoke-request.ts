import type { Clock } from '#lib/time';
import type { Ledger, RevokeVerdict, Ticket } from '../ports/index.js';
import { mayHaveSucceeded, pause } from '../retry.js';
import { REVOKE_RETRY_INTERVAL_MS, REVOKE_RETRY_TIMEOUT_MS } from '../protocol.js';

export interface RevokeParts {
  readonly ledger: Ledger;
  readonly timer: Clock;
}

/**
 * Revokes a request. `failed`: the verdict of the relay is unknown. A revocation is repeated only if the relay
 * certainly did not receive it, and only briefly, so that the caller soon learns that the outcome is unknown.
 */
export async function revokeRequest(
  { ledger, timer }: RevokeParts,
  ticket: Ticket,
  isNeeded: () => boolean,
): Promise<RevokeVerdict | 'failed'> {
  const giveUpAt = timer.monotonicNow() + REVOKE_RETRY_TIMEOUT_MS;
  for (;;) {
    try {
      return await ledger.revoke(ticket);
    } catch (error) {
      if (mayHaveSucceeded(error) || !isNeeded() || timer.monotonicNow() + REVOKE_RETRY_INTERVAL_MS > giveUpAt)
        return 'failed';
    }
    await pause(timer, REVOKE_RETRY_INTERVAL_MS);
  }
}
