import type { Deadlines, Expiring } from '../channels/deadlines.js';
import type { CallIdentity } from '../upstream-connection.js';

/** Calls that are remembered one by one. Of older ones it is only known whose they are. */
const MAX_TRACKED_CALLS = 1_024;

interface CancelledCall extends Expiring {
  readonly principal: string | undefined;
}

/** What all calls of one connection share. */
interface CancelledCallsContext {
  readonly deadlines: Deadlines;
  readonly requestMs: number;
}

/**
 * Calls that were given up after they were sent. Few servers answer a cancelled request (basic/utilities/cancellation:
 * they should not), and many go on working, so what they say on a channel that names no call may be about one of these.
 * Only the answer shows that a server is done.
 */
export class CancelledCalls {
  private readonly calls = new Map<number, CancelledCall>();
  /** Two are as good as all: whoever asks is another one than one of them. */
  private readonly evictedPrincipals = new Set<string | undefined>();

  constructor(private readonly context: CancelledCallsContext) {}

  /** `isQuiet`: by the protocol the server says nothing of its own accord about this call; that is trusted in the end. */
  add(id: number, asker: CallIdentity | undefined, isQuiet = false): void {
    const call = { principal: asker?.principal, expiresAt: 0, expire: () => void this.calls.delete(id) };
    this.calls.set(id, call);
    if (isQuiet) this.context.deadlines.add(call, this.context.requestMs);
    else if (this.calls.size > MAX_TRACKED_CALLS) this.evictOldest();
  }

  /** The server has answered after all, and is done with the call. */
  answered(id: number): void {
    const call = this.calls.get(id);
    if (call === undefined) return;
    this.calls.delete(id);
    this.context.deadlines.remove(call, this.context.requestMs);
  }

  /** True when what the server says may be about the call of another principal than this one's. */
  mayBelongToOthers(asker: CallIdentity | undefined): boolean {
    const isOther = (principal: string | undefined): boolean => asker === undefined || principal !== asker.principal;
    for (const { principal } of this.calls.values()) if (isOther(principal)) return true;
    return [...this.evictedPrincipals].some(isOther);
  }

  private evictOldest(): void {
    const [oldest] = this.calls;
    if (oldest === undefined) return;
    const [id, { principal }] = oldest;
    this.answered(id);
    if (this.evictedPrincipals.size < 2) this.evictedPrincipals.add(principal);
  }
}
