import type { Clock } from '#lib/time';
import type { Ledger, RevokeVerdict, Ticket } from '../ports/index.js';
import { mayHaveWorked, pause } from '../persist.js';
import { REVOKE_PAUSE_MS, REVOKE_RETRY_MS } from '../protocol.js';

export interface RevokeParts {
  readonly ledger: Ledger;
  readonly timer: Clock;
}

/**
 * Takes a request back. `failed`: the relay did not say. It is asked again only where it certainly was not asked, and
 * for a moment: whoever waits is told soon that nothing is known.
 */
export async function takeBack(
  { ledger, timer }: RevokeParts,
  ticket: Ticket,
  isWanted: () => boolean,
): Promise<RevokeVerdict | 'failed'> {
  const giveUpAt = timer.monotonicNow() + REVOKE_RETRY_MS;
  for (;;) {
    try {
      return await ledger.revoke(ticket);
    } catch (error) {
      if (mayHaveWorked(error) || !isWanted() || timer.monotonicNow() + REVOKE_PAUSE_MS > giveUpAt) return 'failed';
    }
    await pause(timer, REVOKE_PAUSE_MS);
  }
}
