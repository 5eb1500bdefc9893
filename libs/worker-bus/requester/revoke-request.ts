import type { Ledger, RevokeVerdict, Ticket, Timer } from '../ports/index.js';
import { mayHaveSucceeded, pause } from '../retry.js';
import { REVOKE_RETRY_INTERVAL_MS, REVOKE_RETRY_TIMEOUT_MS } from '../protocol.js';

export interface RevokeParts {
  readonly ledger: Ledger;
  readonly timer: Timer;
}

/**
 * Takes a request back. `failed`: the relay did not say. It is asked again only where it certainly was not asked, and
 * for a moment: whoever waits is told soon that nothing is known.
 */
export async function revokeRequest(
  { ledger, timer }: RevokeParts,
  ticket: Ticket,
  isNeeded: () => boolean,
): Promise<RevokeVerdict | 'failed'> {
  const giveUpAt = timer.now() + REVOKE_RETRY_TIMEOUT_MS;
  for (;;) {
    try {
      return await ledger.revoke(ticket);
    } catch (error) {
      if (mayHaveSucceeded(error) || !isNeeded() || timer.now() + REVOKE_RETRY_INTERVAL_MS > giveUpAt) return 'failed';
    }
    await pause(timer, REVOKE_RETRY_INTERVAL_MS);
  }
}
